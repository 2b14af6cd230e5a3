"""Those who change by what right machine marks stand, and those who write or fix them meanwhile."""

import threading

import pytest
from django.db import transaction

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import general, promotion, thresholds
from scoring.exams import definitions
from scoring.intake import submissions
from scoring.machine import batches
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Question, Submission
from tests.concurrency import run_concurrently
from tests.factories import answers_of, calibrated, exam_in, fresh, scored, state
from tests.scoring.fake_inference import FakeInference

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english")]
BLOCKED = 1.0
"""Seconds after which another transaction is taken to wait for a lock."""


def two_points(text: str) -> tuple[float, float]:
    """The service's points and confidence for any text."""
    return 2, 0.85


def test_a_mark_that_a_worker_is_writing_does_not_slip_past_a_new_threshold() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    question, service = calibrated(exam, 0.8), FakeInference(two_points)
    service.kept["c" * 64] = b""
    (answer,) = answers_of(exam, "一")
    Answer.objects.update(status="waiting")
    wrote, applied = threading.Event(), threading.Event()

    def work() -> None:
        with transaction.atomic():
            batches.score_waiting(question, service.client)
            wrote.set()
            applied.wait(BLOCKED)

    def apply() -> None:
        wrote.wait(30)
        thresholds.apply(question, 0.95)
        applied.set()

    assert run_concurrently([work, apply]) == [None, None]
    assert fresh(answer).status == "waiting"
    batches.score_waiting(question, service.client)
    assert state(answer) == (None, "", "queued")


def test_a_claim_that_is_not_committed_yet_does_not_outlive_a_new_definition() -> None:
    exam = exam_in()
    (answer,) = answers_of(exam, "一")
    Answer.objects.update(status="waiting")
    wanted = definitions.describe(exam)
    wanted["questions"][0]["prompt"] = "原因は。"
    claimed, loaded = threading.Event(), threading.Event()

    def work() -> int:
        with transaction.atomic():
            taken = Answer.objects.claim(answer.question_id, 10)
            claimed.set()
            loaded.wait(BLOCKED)
        return len(taken)

    def load() -> None:
        claimed.wait(30)
        definitions.load(wanted)
        loaded.set()

    assert run_concurrently([work, load]) == [1, None]
    found = fresh(answer)
    assert (found.status, found.claimed_at) == ("waiting", None)


def test_an_own_calibration_that_is_being_promoted_is_not_replaced_by_a_general_one() -> None:
    question = exam_in().questions.get(code="Q1")
    chosen = Calibration.objects.create(question=None, status="ready", sha256="d" * 64)
    own = Calibration.objects.create(
        question=question, status="ready", sha256="e" * 64, definition=question.digest
    )
    promoted, done = threading.Event(), threading.Event()

    def promote() -> None:
        with transaction.atomic():
            promotion.promote(own)
            promoted.set()
            done.wait(BLOCKED)

    def generalise() -> list[int]:
        promoted.wait(30)
        touched = general.promote(chosen)
        done.set()
        return touched

    other = question.exam.questions.get(code="Q2")
    assert run_concurrently([promote, generalise]) == [None, [other.pk]]
    used = Question.objects.order_by("code").values_list("calibration", flat=True)
    assert list(used) == [own.pk, chosen.pk]


def test_an_exam_is_not_fixed_before_a_threshold_that_is_being_set() -> None:
    exam = exam_in(machine_final=True, audit_rate=0)
    question = calibrated(exam, 0.8)
    (answer,) = answers_of(exam, "一")
    scored([answer], 2, 0.85, "c" * 64)
    applied, done = threading.Event(), threading.Event()

    def apply() -> None:
        with transaction.atomic():
            thresholds.apply(question, 0.95)
            applied.set()
            done.wait(BLOCKED)

    def fix() -> None:
        applied.wait(30)
        try:
            settlement.become(exam, "fixed")
        finally:
            done.set()

    _applied, refused = run_concurrently([apply, fix])
    assert isinstance(refused, WrongState), refused
    assert fresh(answer).question.exam.status == "marking"


def test_what_is_being_handed_in_is_there_before_the_exam_is_fixed() -> None:
    exam = exam_in()
    answers_of(exam, "一")
    Answer.objects.update(status="failed")
    taken, done = threading.Event(), threading.Event()

    def hand_in() -> None:
        with transaction.atomic():
            submissions.accept({"exam": exam.code, "candidate": "late", "answers": []})
            taken.set()
            done.wait(BLOCKED)

    def fix() -> int:
        taken.wait(30)
        try:
            settlement.become(exam, "fixed")
            return Submission.objects.filter(candidate="late").count()
        finally:
            done.set()

    assert run_concurrently([hand_in, fix]) == [None, 1]
    found = submissions.accept({"exam": exam.code, "candidate": "later", "answers": []})
    assert isinstance(found, list)
