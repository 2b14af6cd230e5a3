"""The overview says why answers go on waiting."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation

from pmscoring.base import connecting, heartbeats
from scoring.exams import standstill
from scoring.marks import giving
from scoring.models import Answer, Reference, Standing
from scoring.models.people import Assignment
from tests.clients import signed_in
from tests.factories import answers_of, exam_in, fresh, hand_in, make_user, scored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield
    with connecting.cache() as store:
        store.delete(heartbeats.KEY)


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill.INFERENCE, "fresh_seconds", 0.0)


def waiting() -> Answer:
    (answer,) = hand_in(exam_in("draft").questions.get(code="Q1"), ["一"])
    return answer


def test_it_names_inference_and_workers_that_are_away() -> None:
    waiting()
    said = standstill.reasons()
    assert "inference service does not answer" in said[0]
    assert "no sign of life of the workers" in said[1]
    page = signed_in("viewer").get(reverse("admin:index")).content.decode()
    assert "Scoring stands still: the inference service does not answer" in page


def test_a_worker_that_was_heard_lately_is_there(inference_url: Any) -> None:
    waiting()
    heartbeats.beat("scoring")
    assert not any("sign of life" in reason for reason in standstill.reasons())
    with connecting.cache() as store:
        store.hset(heartbeats.KEY, "scoring", str(time.time() - standstill.QUIET_SECONDS - 1))
    assert any("sign of life" in reason for reason in standstill.reasons())


def test_it_names_a_disk_with_less_than_the_reserve(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    waiting()
    assert not any("disk" in reason for reason in standstill.reasons())
    settings.DISK_RESERVE_BYTES = 1 << 60
    assert any("the disk is nearly full" in reason for reason in standstill.reasons())


def test_while_marks_are_written_nothing_stands_still() -> None:
    answer = waiting()
    scored([answer])
    Answer.objects.update(status="waiting")
    assert standstill.reasons() == []


def test_nothing_waits_and_nothing_is_said() -> None:
    assert standstill.reasons() == []


def test_it_names_an_exam_that_nobody_marks() -> None:
    exam = exam_in()
    answers_of(exam, "一")
    assert standstill.reasons() == [
        "ROOM waits for people: nobody has the role marker. Answers that wait: 1."
    ]
    make_user("m1")
    assert standstill.reasons() == []


def test_of_an_exam_with_assignments_only_the_assigned_count() -> None:
    exam = exam_in()
    answers_of(exam, "一")
    marker, _other = make_user("m1"), make_user("m2")
    Assignment.objects.create(exam=exam, marker=marker)
    assert standstill.reasons() == []
    User.objects.filter(pk=marker.pk).update(is_active=False)
    assert "no longer mark" in standstill.reasons()[0]


def test_it_names_questions_that_nobody_is_assigned_to() -> None:
    exam, marker = exam_in(), make_user("m1")
    answers_of(exam, "一", "二")
    answers_of(exam, "the scope", question="Q2")
    Assignment.objects.create(exam=exam, marker=marker, question=exam.questions.get(code="Q2"))
    assert standstill.reasons() == [
        "ROOM waits for people: nobody is assigned to Q1. Answers that wait: 2."
    ]


def test_it_names_markers_who_cannot_qualify_or_are_suspended() -> None:
    exam = exam_in(marker_bound=0.8)
    queued, known = answers_of(exam, "一", "二")
    marker = make_user("m1")
    assert "no reference answers are chosen" in standstill.reasons()[0]
    Reference.objects.create(answer=known, points=4)
    assert standstill.reasons() == []
    Standing.objects.create(exam=exam, marker=marker, status="suspended")
    assert "every marker is suspended" in standstill.reasons()[0]
    assert fresh(queued).review == "queued"


def test_it_names_disputes_that_nobody_adjudicates() -> None:
    exam = exam_in(readings=2)
    (answer,) = answers_of(exam, "一")
    for name, points in (("m1", 4), ("m2", 0)):
        giving.give(fresh(answer), make_user(name), {"points": points})
    assert "nobody has the role adjudicator" in standstill.reasons()[0]
    make_user("senior", "adjudicator")
    assert standstill.reasons() == []
