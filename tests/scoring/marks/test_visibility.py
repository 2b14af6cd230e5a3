"""Who marks is not swayed: by REST and on an answer's page they see what the exam lets them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from pmscoring.base.lifecycle import WrongState
from scoring.marks import giving, visibility
from scoring.models import Answer, Exam, Lease
from scoring.review import pass_line, queue, references
from tests.clients import JSON, browser_of, client_of
from tests.factories import answers_of, calibrated, exam_in, fresh, make_user, scored, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def marker() -> User:
    return make_user("m1")


def visible_sources(answer: Answer, user: User) -> set[str]:
    return {mark.source for mark in visibility.visible_marks(fresh(answer), user)}


def sources(*names: str) -> set[str]:
    return set(names)


@pytest.mark.parametrize(
    ("shown", "machine"), [("nothing", False), ("evidence", False), ("mark", True)]
)
def test_the_machines_points_are_seen_before_marking_only_where_the_exam_says_so(
    marker: User, shown: str, machine: bool
) -> None:
    (answer,) = answers_of(exam_in(shown=shown), "一")
    assert visible_sources(answer, marker) == (sources("machine") if machine else set())
    giving.give(answer, marker, {"points": 3})
    assert visible_sources(answer, marker) == sources("machine", "human")


def test_another_markers_mark_is_not_seen_before_the_second_reading_nor_after(marker: User) -> None:
    exam = exam_in(readings=2, shown="mark")
    (answer,) = answers_of(exam, "一")
    other = make_user("m2")
    giving.give(answer, other, {"points": 3})
    assert visible_sources(answer, marker) == sources("machine")
    assert visible_sources(answer, other) == sources("machine", "human")
    giving.give(answer, marker, {"points": 5})
    assert state(answer)[2] == "disputed"
    assert [one.marker for one in visibility.visible_marks(fresh(answer), marker)] == [None, marker]


def test_an_adjudicator_sees_the_marks_in_dispute_but_not_of_one_that_is_still_open() -> None:
    exam = exam_in(readings=2)
    disputed, half = answers_of(exam, "一", "二")
    giving.give(disputed, make_user("m2"), {"points": 3})
    giving.give(disputed, make_user("m3"), {"points": 5})
    giving.give(half, make_user("m4"), {"points": 3})
    senior = make_user("a", "adjudicator")
    assert visible_sources(disputed, senior) == sources("human")
    assert visible_sources(half, senior) == set()


def test_managers_and_viewers_see_everything_and_so_does_everyone_once_it_is_fixed(
    marker: User,
) -> None:
    exam = exam_in(readings=2, shown="nothing")
    (answer,) = answers_of(exam, "一")
    giving.give(answer, make_user("m2"), {"points": 3})
    for role in ("exam manager", "viewer"):
        assert visible_sources(answer, make_user(role, role)) == sources("machine", "human")
    Exam.objects.update(status="fixed")
    assert visible_sources(answer, marker) == sources("machine", "human")


def test_a_final_mark_that_is_being_audited_is_not_seen(marker: User) -> None:
    exam = exam_in(machine_final=True, audit_rate=1)
    calibrated(exam)
    (answer,) = answers_of(exam, "一")
    scored([answer], 4, 0.99, "c" * 64)
    assert state(answer) == (4, "machine", "queued")
    assert not visibility.sees_final(fresh(answer), marker)
    assert visibility.sees_final(fresh(answer), make_user("v", "viewer"))


def test_the_known_mark_of_a_reference_is_not_seen(marker: User) -> None:
    (answer,) = answers_of(exam_in(shown="nothing"), "一")
    references.declare(answer, make_user("chief", "exam manager"), {"points": 3})
    assert visible_sources(answer, marker) == set()
    assert not visibility.sees_final(fresh(answer), marker)


def test_rest_and_the_page_keep_to_it(marker: User) -> None:
    exam = exam_in(readings=2, shown="nothing")
    (answer,) = answers_of(exam, "一")
    giving.give(answer, make_user("m2"), {"points": 5, "comment": "hidden-words"})
    [told] = client_of(marker).get("/api/v1/answers").json()["results"]
    assert (told["marks"], told["final"]) == ([], None)
    browser = browser_of(marker)
    page = browser.get(reverse("admin:scoring_answer_change", args=[answer.pk]))
    assert page.status_code == 200
    assert "hidden-words" not in page.content.decode()
    assert page.context["marks"] == []
    listed = browser.get(reverse("admin:scoring_answer_changelist"))
    assert {"suggestion", "final"}.isdisjoint(listed.context["cl"].list_display)


def test_by_rest_the_other_reading_is_not_found_out_by_trying(marker: User) -> None:
    exam = exam_in(readings=2)
    agreeing, differing, first = answers_of(exam, "一", "二", "三")
    for answer in (agreeing, differing):
        giving.give(answer, make_user(f"o{answer.pk}"), {"points": 5})
    client = client_of(marker)
    assert set(reviews(client).values()) == {"queued"}
    given = {
        answer.pk: give(marker, answer, points)
        for answer, points in ((agreeing, 5), (differing, 0), (first, 5))
    }
    assert [state(one)[2] for one in (agreeing, differing, first)] == [
        "marked",
        "disputed",
        "queued",
    ]
    assert set(reviews(client).values()) == {"marked"}
    for answer, status in ((agreeing, 409), (differing, 409), (first, 204)):
        told = client.post(f"/api/v1/marks/{given[answer.pk]}/withdrawal")
        assert told.status_code == status
    assert reviews(client)[first.pk] == "claimed"


def test_beside_another_reading_a_mark_is_taken_back_by_a_manager_alone(marker: User) -> None:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "一")
    giving.give(answer, make_user("m2"), {"points": 5})
    mark = giving.give(answer, marker, {"points": 0})
    with pytest.raises(WrongState):
        queue.withdraw(mark, marker)
    with pytest.raises(WrongState):
        queue.undo(exam, marker)
    queue.withdraw(mark, make_user("chief", "exam manager"), anyone=True)
    assert state(answer)[2] == "queued"


def test_one_more_reading_near_the_pass_line_is_as_blind(marker: User) -> None:
    exam = exam_in(pass_line=4, pass_margin=1)
    (answer,) = answers_of(exam, "一")
    giving.give(answer, make_user("m2"), {"points": 5})
    pass_line.reread_near_pass_line(exam)
    mark = giving.give(answer, marker, {"points": 0})
    assert state(answer)[2] == "disputed"
    assert visibility.visible_answer(fresh(answer), marker).review == "marked"
    with pytest.raises(WrongState):
        queue.withdraw(mark, marker)


def test_undoing_at_the_desk_tells_why_a_mark_stands(marker: User) -> None:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "一")
    giving.give(answer, make_user("m2"), {"points": 5})
    giving.give(answer, marker, {"points": 0})
    answers_of(exam, "二")
    browser = browser_of(marker, headers={"X-Desk": "1"})
    told = browser.post(reverse("marking:desk", args=[exam.code]), {"command": "undo"})
    assert told.status_code == 200
    page = told.content.decode()
    assert re.search(r'role="alert"><p>[^<]*your mark stands', page)
    assert 'name="answer"' in page


@pytest.mark.parametrize("readings", [1, 2])
def test_a_reference_answer_reads_like_any_other(marker: User, readings: int) -> None:
    exam = exam_in(reference_rate=1, readings=readings)
    hidden, other = answers_of(exam, "一", "二")
    references.declare(hidden, make_user("chief", "exam manager"), {"points": 4})
    client = client_of(marker)
    one, two = listed(client, hidden, other)
    assert one == two
    assert (one["review"], one["final"]) == ("queued", None)
    for answer in (hidden, other):
        assert client.post("/api/v1/review/next?exam=ROOM").json()["answer"]["id"] == answer.pk
        assert listed(client, answer)[0]["review"] == "claimed"
        give(marker, answer, 1)
    one, two = listed(client, hidden, other)
    assert one == two
    assert [mark["points"] for mark in one["marks"] if mark["source"] == "human"] == [1]
    assert one["final"] == (None if readings == 2 else {"points": 1, "source": "human"})


def test_a_reference_that_was_undone_reads_like_any_other(marker: User) -> None:
    exam = exam_in(reference_rate=1)
    hidden, other = answers_of(exam, "一", "二")
    references.declare(hidden, make_user("chief", "exam manager"), {"points": 4})
    client = client_of(marker)
    told = []
    for answer in (hidden, other):
        client.post("/api/v1/review/next?exam=ROOM")
        key = give(marker, answer, 1)
        assert client.post(f"/api/v1/marks/{key}/withdrawal").status_code == 204
        assert client.post(f"/api/v1/marks/{key}/withdrawal").status_code == 409
        told += listed(client, answer)
        give(marker, answer, 2)
    assert told[0] == told[1]
    one, two = listed(client, hidden, other)
    assert one == two


def test_the_answers_page_and_list_do_not_tell_a_reference_either(marker: User) -> None:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "一")
    references.declare(answer, make_user("chief", "exam manager"), {"points": 4})
    browser = browser_of(marker)
    page = browser.get(reverse("admin:scoring_answer_change", args=[answer.pk]))
    assert (page.context["review"], page.context["final"]) == ("queued", None)
    address = reverse("admin:scoring_answer_changelist")
    listed = browser.get(address)
    assert "states" not in listed.context["cl"].list_display
    assert "review" not in listed.context["cl"].list_filter
    assert listed.context["cl"].result_count == 1


@pytest.mark.parametrize(
    ("sought", "of_a_viewer"),
    [("review__exact=adjudicated", 200), ("final_points=4", 400), ("urgency=0", 400)],
)
def test_markers_look_answers_up_by_nothing_that_they_are_not_shown(
    marker: User, sought: str, of_a_viewer: int
) -> None:
    (answer,) = answers_of(exam_in(), "一")
    references.declare(answer, make_user("chief", "exam manager"), {"points": 4})
    viewer = make_user("v", "viewer")
    address = f"{reverse('admin:scoring_answer_changelist')}?{sought}"
    for user, status in ((marker, 400), (viewer, of_a_viewer)):
        assert browser_of(user).get(address).status_code == status
    browser = browser_of(marker)
    known = f"{reverse('admin:scoring_answer_changelist')}?status__exact=scored"
    assert browser.get(known).context["cl"].result_count == 1


@pytest.mark.parametrize("role", ["marker", "adjudicator"])
def test_those_who_mark_do_not_ask_the_machine_for_points(role: str) -> None:
    exam_in(shown="nothing")
    body = {"text": "一", "exam": "ROOM", "question": "Q1"}
    told = client_of(make_user("x", role)).post("/api/v1/score", body, content_type=JSON)
    assert told.status_code == 403


def give(marker: User, answer: Answer, points: float) -> int:
    """Claim the answer where that was not done, and mark it over the API; returns the mark's id."""
    until = {"expires_at": now() + timedelta(minutes=5)}
    Lease.objects.get_or_create(answer=answer, marker=marker, defaults=until)
    client = client_of(marker)
    address, body = f"/api/v1/answers/{answer.pk}/marks", {"points": points}
    key: int = client.post(address, body, content_type=JSON).json()["id"]
    return key


def reviews(client: Client) -> dict[int, str]:
    """The review state of each answer, by its id, as the API lists it for the client's user."""
    results = client.get("/api/v1/answers?exam=ROOM").json()["results"]
    return {answer["id"]: answer["review"] for answer in results}


def listed(client: Client, *answers: Answer) -> list[dict[str, Any]]:
    """The answers as the API lists them, without ids, texts and times, which always differ."""
    results = client.get("/api/v1/answers?exam=ROOM").json()["results"]
    by_key = {answer.pop("id"): answer for answer in results}
    for answer in by_key.values():
        del answer["text"]
        for mark in answer["marks"]:
            del mark["id"], mark["created_at"]
    return [by_key[answer.pk] for answer in answers]
