"""Calibrations by REST: started, followed, promoted, rolled back; thresholds asked for and set."""

from typing import Any

import pytest
from django.test import Client

from scoring import tasks
from scoring.calibration import fitting
from scoring.inference import Inference
from scoring.machine import batches
from scoring.models import Answer, Calibration, Exam, Question
from tests.clients import JSON, client_for
from tests.factories import GOOD, hand_in, marked_by_people
from tests.scoring.calibrations import fitted, marked_question
from tests.scoring.fake_inference import FakeInference, right, sloppy

pytestmark = pytest.mark.django_db
AT = "/api/v1/questions/PM-2026/Q1"


@pytest.fixture
def question() -> Question:
    return marked_question(120)


@pytest.fixture
def manager(question: Question) -> Client:
    return client_for("exam manager")


def put(client: Client, body: Any) -> Any:
    return client.put(f"{AT}/threshold", body, content_type=JSON)


def test_it_is_started_and_followed(manager: Client, question: Question) -> None:
    told = manager.post(f"{AT}/calibrations")
    assert told.status_code == 202, told.content
    started = told.json()
    assert (started["status"], started["active"], started["sha256"]) == ("waiting", False, None)
    assert started["requested_by"] == "exam-manager"
    Calibration.objects.get().become("fitting", stage="embedding", fraction=0.4)
    again = manager.get(f"{AT}/calibrations/{started['id']}").json()
    assert (again["status"], again["stage"], again["fraction"]) == ("fitting", "embedding", 0.4)
    assert manager.post(f"{AT}/calibrations").status_code == 409


def test_it_lists_each_with_its_metrics_and_says_which_is_in_use(
    manager: Client, question: Question
) -> None:
    first = fitted(question, FakeInference(right))
    fitted(question, FakeInference(sloppy))
    found = manager.get(f"{AT}/calibrations").json()["results"]
    assert [one["active"] for one in found] == [False, True]
    assert found[1]["id"] == first.pk
    assert found[1]["sha256"] == first.sha256
    assert found[1]["metrics"]["examples"] == 120


def test_too_few_marks_are_a_conflict_that_says_how_many_there_are(manager: Client) -> None:
    Answer.objects.filter(pk__gt=Answer.objects.order_by("pk")[9].pk).update(final_source="")
    told = manager.post(f"{AT}/calibrations")
    assert told.status_code == 409
    assert "10" in told.json()["detail"]


def test_a_worker_fits_it_and_scores_anew(
    manager: Client, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeInference(right)
    monkeypatch.setattr(tasks, "inference", lambda: service.client)
    key = manager.post(f"{AT}/calibrations").json()["id"]
    tasks.fit_calibration(key)
    tasks.score_waiting(question.pk)
    assert manager.get(f"{AT}/calibrations/{key}").json()["active"]
    marks = manager.get("/api/v1/answers?page_size=1").json()["results"][0]["marks"]
    machine = [mark for mark in marks if mark["source"] == "machine"]
    assert machine[0]["confidence"] == 0.9
    assert machine[0]["calibration"] == service.scored[0][0]


def test_under_other_weights_a_new_calibration_is_asked_for(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeInference(right)
    fitted(question, service)
    service.refuses = "other_encoder"
    monkeypatch.setattr(tasks, "inference", lambda: service.client)
    assert tasks.score_waiting(question.pk) == 0
    assert Calibration.objects.waiting().count() == 1
    assert fitting.renew(question) is None


def test_the_sweep_takes_up_what_waits(
    manager: Client, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = manager.post(f"{AT}/calibrations").json()["id"]
    sent: list[Any] = []
    monkeypatch.setattr(tasks.fit_calibration, "delay", sent.append)
    monkeypatch.setattr(tasks.score_waiting, "delay", lambda key: None)
    tasks.sweep()
    assert sent == [key]


def test_it_is_promoted_by_hand_and_rolled_back(manager: Client, question: Question) -> None:
    first = fitted(question, FakeInference(right))
    second = fitted(question, FakeInference(sloppy))
    told = manager.post(f"{AT}/calibrations/{second.pk}/promote").json()
    assert (told["calibration"], told["kind"], told["waiting"]) == (second.pk, "manual", 120)
    assert told["comparison"]["new"]["exact"] < told["comparison"]["present"]["exact"]
    assert manager.post(f"{AT}/calibrations/{second.pk}/promote").status_code == 409
    assert manager.post(f"{AT}/calibrations/rollback").json()["calibration"] == first.pk
    assert manager.post(f"{AT}/calibrations/rollback").json()["calibration"] is None
    assert manager.post(f"{AT}/calibrations/rollback").status_code == 409


def test_of_a_fixed_exam_nothing_changes(manager: Client, question: Question) -> None:
    calibration = fitted(question, FakeInference(right))
    Exam.objects.update(status="fixed")
    assert manager.post(f"{AT}/calibrations").status_code == 409
    assert manager.post(f"{AT}/calibrations/{calibration.pk}/promote").status_code == 409
    assert put(manager, {"threshold": 0.5}).status_code == 409


def test_a_target_shows_curve_and_proposal_before_it_is_applied(
    manager: Client, question: Question
) -> None:
    service = FakeInference(lambda text: (4, 0.9) if GOOD in text else (right(text)[0], 0.8))
    fitted(question, service)
    hand_in(question, [f"{GOOD}！"], first=500)
    batches.score_waiting(question, service.client)
    told = put(manager, {"target": 0.95, "apply": False}).json()
    assert (told["applied"], told["threshold"]) == (False, None)
    assert told["proposal"]["threshold"] == 0.8
    assert told["proposal"]["bound"] >= 0.95
    assert [one["coverage"] for one in told["curve"]] == [pytest.approx(1 / 3), 1]
    assert (told["standing"], told["marked"]) == (121, 121)
    asked = manager.get(f"{AT}/threshold?target=0.95").json()
    assert asked == told
    applied = put(manager, {"target": 0.95}).json()
    assert (applied["applied"], applied["threshold"]) == (True, 0.8)
    question.refresh_from_db()
    assert question.threshold == 0.8
    made = question.thresholds.get()
    assert (made.target, made.set_by.get_username() if made.set_by else "") == (
        0.95,
        "exam-manager",
    )


def test_a_value_is_set_and_taken_away(manager: Client, question: Question) -> None:
    fitted(question, FakeInference(right))
    assert put(manager, {"threshold": 0.9}).json()["threshold"] == 0.9
    assert put(manager, {"threshold": None}).json()["threshold"] is None
    assert [one.value for one in question.thresholds.order_by("pk")] == [0.9, None]
    assert put(manager, {"threshold": 0.9, "apply": False}).json()["threshold"] is None


def test_a_target_that_the_marks_do_not_show_is_a_conflict(
    manager: Client, question: Question
) -> None:
    fitted(question, FakeInference(right))
    assert put(manager, {"target": 0.999}).status_code == 409
    shown = put(manager, {"target": 0.999, "apply": False}).json()["proposal"]
    assert shown["threshold"] is None
    assert shown["fewest"] > shown["texts"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"threshold": 0.9, "target": 0.9}, ""),
        ({"threshold": 1.1}, "/threshold"),
        ({"threshold": 0}, "/threshold"),
        ({"threshold": True}, "/threshold"),
        ({"threshold": "0.9"}, "/threshold"),
        ({"target": 0.2}, "/target"),
        ({"target": None}, "/target"),
        ({"target": 0.9, "apply": 1}, "/apply"),
        ({"threshhold": 0.9}, "/threshhold"),
    ],
)
def test_a_bad_threshold_is_pointed_at(manager: Client, body: Any, pointer: str) -> None:
    told = put(manager, body)
    assert told.status_code == 422
    assert told.json()["errors"][0]["pointer"] == pointer


def test_a_bad_target_in_the_address_is_pointed_at(manager: Client) -> None:
    for target in ("much", "nan", "2"):
        told = manager.get(f"{AT}/threshold?target={target}")
        assert told.status_code == 422
        assert told.json()["errors"][0]["pointer"] == "/target"


def test_a_stored_question_scores_under_its_calibration(
    manager: Client, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = FakeInference(right)
    calibration = fitted(question, service)
    inference: Inference = service.client
    monkeypatch.setattr("scoring.api.marking_views.inference", lambda: inference)
    body = {"text": GOOD, "exam": "PM-2026", "question": "Q1"}
    told = manager.post("/api/v1/score", body, content_type=JSON).json()
    assert (told["points"], told["confidence"]) == (4, 0.9)
    assert told["calibration"] == calibration.sha256
    inline = {"text": GOOD, "question": question.wire()}
    told = manager.post("/api/v1/score", inline, content_type=JSON).json()
    assert (told["confidence"], told["calibration"]) == (None, None)


def test_only_managers_change_and_markers_do_not_even_look(question: Question) -> None:
    marked_by_people(hand_in(question, ["別の答え"], first=900), [1])
    for role, reads in (("viewer", 200), ("adjudicator", 200), ("marker", 403), ("client", 403)):
        client = client_for(role)
        assert client.get(f"{AT}/calibrations").status_code == reads
        assert client.get(f"{AT}/threshold").status_code == reads
        assert client.post(f"{AT}/calibrations").status_code == 403
        assert put(client, {"threshold": 0.9}).status_code == 403
