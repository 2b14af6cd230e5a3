"""Marking by people over REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from scoring import tasks
from scoring.marks import giving
from scoring.models import Answer, AnswerGroup, Exam, Lease, Reference
from scoring.review import groups, references
from tests.clients import JSON, client_for, client_of
from tests.factories import answers_of, exam_in, fresh, make_user, state

pytestmark = pytest.mark.django_db(transaction=True)
NEXT = "/api/v1/review/next?exam=ROOM"


@pytest.fixture
def marker() -> Client:
    return client_of(make_user("m1"))


@pytest.fixture
def manager() -> Client:
    return client_of(make_user("chief", "exam manager"))


def send(client: Client, address: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{address}", body or {}, content_type=JSON)


def test_a_marker_takes_marks_and_undoes(marker: Client) -> None:
    exam = exam_in()
    answers_of(exam, "一", "二")
    told = marker.post(NEXT).json()
    answer = told["answer"]
    assert answer.keys().isdisjoint({"candidate", "submission"})
    assert (answer["exam"], answer["question"], answer["marks"]) == ("ROOM", "Q1", [])
    assert answer["machine"]["points"] is None
    assert told["progress"] == {"done": 0, "left": 2, "disputed": 0, "mine": 0, "mine_today": 0}
    assert marker.post(NEXT).json()["answer"]["id"] == answer["id"]
    mark = send(marker, f"answers/{answer['id']}/marks", {"criteria": {"C1": 4, "C2": 1}})
    assert (mark.status_code, mark.json()["points"]) == (201, 5)
    assert send(marker, f"answers/{answer['id']}/marks", {"points": 1}).status_code == 409
    assert send(marker, f"marks/{mark.json()['id']}/withdrawal").status_code == 204
    assert send(marker, f"marks/{mark.json()['id']}/withdrawal").status_code == 409
    assert marker.post(NEXT).json()["answer"]["id"] == answer["id"]
    assert send(marker, f"review/{answer['id']}/release").status_code == 204
    assert send(marker, f"review/{answer['id']}/release").status_code == 409


def test_nothing_left_is_204_and_what_is_unknown_404(marker: Client) -> None:
    exam_in()
    assert marker.post(NEXT).status_code == 204
    assert marker.post("/api/v1/review/next?exam=NONE").status_code == 404
    assert marker.post(f"{NEXT}&question=Q9").status_code == 404
    assert marker.post(f"{NEXT}&kind=x").status_code == 422
    Exam.objects.update(status="draft")
    assert marker.post(NEXT).status_code == 409


def test_a_lost_lease_is_told_and_the_mark_is_then_given_unasked(marker: Client) -> None:
    exam = exam_in()
    answers_of(exam, "一")
    answer = marker.post(NEXT).json()["answer"]["id"]
    Lease.objects.update(expires_at=now() - timedelta(seconds=1))
    assert send(marker, f"review/{answer}/release").status_code == 409
    assert send(marker, f"answers/{answer}/marks", {"points": 1}).status_code == 201
    assert state(Answer.objects.get())[1] == "human"


@pytest.mark.usefixtures("english")
def test_a_marker_marks_nothing_that_they_have_not_claimed(marker: Client) -> None:
    exam = exam_in()
    open_still, settled = answers_of(exam, "一", "二")
    giving.give(settled, make_user("m2"), {"points": 3})
    for answer in (open_still, settled):
        refused = send(marker, f"answers/{answer.pk}/marks", {"points": 1})
        assert refused.status_code == 409, refused.content
        assert refused.json()["detail"] == f"#{answer.pk} is not in your hands; claim it first"
    assert state(settled)[1:] == ("human", "marked")


@pytest.mark.parametrize("role", ["adjudicator", "exam manager"])
def test_who_may_re_mark_marks_what_is_settled_but_not_what_another_has(
    marker: Client, role: str
) -> None:
    exam = exam_in()
    settled, in_hand = answers_of(exam, "一", "二")
    giving.give(settled, make_user("m2"), {"points": 3})
    claimed = marker.post(NEXT).json()["answer"]["id"]
    other = client_for(role)
    assert claimed == in_hand.pk
    assert send(other, f"answers/{in_hand.pk}/marks", {"points": 1}).status_code == 409
    assert send(other, f"answers/{settled.pk}/marks", {"points": 1}).status_code == 201
    assert send(marker, f"answers/{in_hand.pk}/marks", {"points": 1}).status_code == 201


def test_what_the_exam_shows_of_the_machine_comes_along(marker: Client) -> None:
    for code, shown, expected in (("A", "nothing", False), ("B", "mark", True)):
        answers_of(exam_in(code=code, shown=shown), "一")
        told = marker.post(f"/api/v1/review/next?exam={code}").json()["answer"]["machine"]
        assert (told is not None) is expected
    assert told["points"] == 2


def test_only_adjudicators_are_given_disputes(marker: Client) -> None:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "一")
    for name, points in (("d1", 1), ("d2", 5)):
        giving.give(answer, make_user(name), {"points": points})
    address = f"{NEXT}&kind=dispute"
    assert marker.post(address).status_code == 403
    assert send(marker, f"answers/{answer.pk}/adjudication", {"points": 3}).status_code == 403
    senior = client_of(make_user("a", "adjudicator"))
    told = senior.post(address).json()["answer"]
    assert [one["points"] for one in told["marks"]] == [1, 5]
    mark = send(senior, f"answers/{answer.pk}/adjudication", {"points": 3})
    assert (mark.status_code, mark.json()["source"]) == (201, "adjudicator")
    assert state(answer) == (3, "adjudicator", "adjudicated")
    assert senior.post(address).status_code == 204


def test_a_marker_who_must_qualify_is_told_the_known_mark_and_then_marks(
    marker: Client, manager: Client
) -> None:
    exam = exam_in(marker_bound=0.5, reference_rate=0)
    known, open_still = answers_of(exam, "一", "二")
    assert marker.post(NEXT).status_code == 403
    made = send(
        manager, "exams/ROOM/references", {"answer": known.pk, "points": 4, "explanation": "例"}
    )
    assert made.status_code == 201, made.content
    listed = manager.get("/api/v1/exams/ROOM/references").json()["references"]
    assert listed == [made.json()]
    told = marker.post(NEXT).json()["answer"]
    assert (told["id"], told["qualifying"]) == (known.pk, True)
    given = send(marker, f"answers/{known.pk}/marks", {"points": 4}).json()
    assert given["known"]["explanation"] == "例"
    assert given["known"]["agrees"] is True
    assert marker.post(NEXT).json()["answer"]["id"] == open_still.pk
    [standing] = manager.get("/api/v1/exams/ROOM/standings").json()["standings"]
    assert (standing["marker"], standing["status"], standing["agreement"]) == ("m1", "qualified", 1)
    begun = send(manager, "exams/ROOM/standings", {"marker": "m1"})
    assert (begun.status_code, begun.json()["round"]) == (201, 2)
    assert send(manager, "exams/ROOM/standings", {"marker": "nobody"}).status_code == 422
    assert manager.delete(f"/api/v1/references/{made.json()['id']}").status_code == 204
    assert manager.get("/api/v1/exams/ROOM/references").json() == {"references": []}


def test_a_hidden_reference_is_answered_like_any_other(marker: Client) -> None:
    exam = exam_in(reference_rate=1)
    hidden, other = answers_of(exam, "一", "二")
    references.declare(hidden, make_user("chief", "exam manager"), {"points": 4})
    told = {}
    for expected in (hidden, other):
        answer = marker.post(NEXT).json()["answer"]
        assert (answer["id"], answer["qualifying"]) == (expected.pk, False)
        given = send(marker, f"answers/{expected.pk}/marks", {"points": 4, "comment": "x"}).json()
        told[expected.pk] = given
    one, two = told[hidden.pk], told[other.pk]
    assert one.keys() == two.keys()
    assert {key for key in one if one[key] != two[key]} <= {"id", "created_at"}
    assert send(marker, f"marks/{one['id']}/withdrawal").status_code == 204


@pytest.mark.parametrize("body", [{}, {"answer": "x"}, {"answer": 10**30}, {"answer": True}])
def test_a_reference_names_an_answer_of_the_exam(manager: Client, body: dict[str, Any]) -> None:
    exam_in()
    told = send(manager, "exams/ROOM/references", body)
    assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, "/answer")
    assert not Reference.objects.exists()


def test_groups_are_found_shown_and_marked(
    marker: Client, manager: Client, inference_url: str, settings: Settings
) -> None:
    settings.INFERENCE_URL = inference_url
    settings.CELERY_TASK_ALWAYS_EAGER = True
    tasks.inference.cache_clear()
    exam = exam_in()
    answers = answers_of(exam, "一つ", "一つ ", " 一つ", "別の答え")
    assert send(marker, "questions/ROOM/Q1/groups").status_code == 403
    assert send(manager, "questions/ROOM/Q1/groups", {"distance": 2}).status_code == 422
    assert send(manager, "questions/ROOM/Q1/groups").status_code == 202
    tasks.regroup(exam.questions.get(code="Q1").pk)
    told = marker.get("/api/v1/questions/ROOM/Q1/groups").json()
    assert (told["total"], told["saved"], told["regrouping"]) == (1, 0, None)
    [group] = told["groups"]
    assert (group["kind"], group["size"]) == ("same", 3)
    assert {one["id"] for one in group["answers"]} == {one.pk for one in answers[:3]}
    body = {"points": 3, "without": [answers[2].pk]}
    given = send(marker, f"groups/{group['id']}/marks", body)
    assert given.status_code == 201
    assert {one["group"] for one in given.json()["marks"]} == {group["id"]}
    assert [state(one)[0] for one in answers] == [3, 3, None, None]
    assert marker.get("/api/v1/questions/ROOM/Q1/groups").json()["saved"] == 0.5
    assert send(marker, f"groups/{group['id']}/marks", {"points": 99}).status_code == 422
    assert send(marker, f"groups/{group['id']}/marks", {"without": "x"}).status_code == 422


def test_progress_of_finding_groups_is_told(manager: Client) -> None:
    question = exam_in().questions.get(code="Q1")
    groups.set_progress(question, 0.25)
    assert manager.get("/api/v1/questions/ROOM/Q1/groups").json()["regrouping"] == 0.25
    groups.set_progress(question, None)
    assert not AnswerGroup.objects.exists()


def test_workload_and_pass_line_are_the_managers(marker: Client, manager: Client) -> None:
    exam = exam_in(pass_line=3, pass_margin=1)
    (answer,) = answers_of(exam, "一")
    giving.give(answer, User.objects.get(username="m1"), {"points": 3})
    for address in ("workload", "standings", "references"):
        assert marker.get(f"/api/v1/exams/ROOM/{address}").status_code == 403
    [one] = manager.get("/api/v1/exams/ROOM/workload").json()["markers"]
    assert (one["marker"], one["marks"], one["agreement"]) == ("m1", 1, None)
    assert send(marker, "exams/ROOM/pass-line").status_code == 403
    assert send(manager, "exams/ROOM/pass-line").json() == {"queued": 1}
    assert fresh(answer).review_reason == "pass_line"


def test_a_definition_brings_its_marking_policy_and_gives_it_back(manager: Client) -> None:
    exam_in(readings=2, tolerance=0.5)
    told = manager.get("/api/v1/exams/ROOM").json()
    assert told["marking"]["readings"] == 2
    assert told["marking"]["tolerance"] == 0.5
    again = manager.put("/api/v1/exams/ROOM", told, content_type=JSON)
    assert again.json() == told
    del told["marking"]
    assert manager.put("/api/v1/exams/ROOM", told, JSON).json()["marking"]["readings"] == 2
    wrong = told | {"marking": {"readings": 3}}
    refused = manager.put("/api/v1/exams/ROOM", wrong, content_type=JSON)
    assert refused.json()["errors"][0]["pointer"] == "/marking/readings"
