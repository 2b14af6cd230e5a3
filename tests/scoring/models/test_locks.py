"""Every operation locks answers in the documented order, and so never deadlocks."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils.timezone import now

from scoring.calibration import general
from scoring.exams import retention
from scoring.machine import batches, postponing
from scoring.models import Answer, AnswerGroup, Calibration, Exam
from scoring.review import groups, queue
from tests.concurrency import run_concurrently
from tests.factories import FULL, answers_of, exam_in, make_user

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKED = 0.3
"""Seconds after which a thread is taken to wait for a lock."""
Operation = Callable[[], Any]
LOW_KEY, HIGH_KEY = 0, 1


def withdrawal(exam: Exam, answers: list[Answer]) -> Operation:
    """Withdraw the mark of an answer while another answer is leased."""
    marker = make_user("a", "adjudicator")
    mark = queue.mark(answers[LOW_KEY], marker, FULL)
    assert queue.next_answer(exam, marker)
    return lambda: queue.withdraw(mark, marker)


def another_question(exam: Exam, answers: list[Answer]) -> Operation:
    """Ask for an answer to another question, which gives the leased one back."""
    marker = make_user("a")
    first, second = (answer.question for answer in answers)
    assert queue.next_answer(exam, marker, first)
    return lambda: queue.next_answer(exam, marker, second)


def group_mark(exam: Exam, answers: list[Answer]) -> Operation:
    """Mark a group but for one of its answers."""
    question = answers[LOW_KEY].question
    group = AnswerGroup.objects.create(
        question=question, kind="same", representative=answers[HIGH_KEY], size=2
    )
    Answer.objects.update(answer_group=group)
    return lambda: groups.mark_group(group, make_user("a"), FULL, [answers[LOW_KEY].pk])


def claimed(exam: Exam, answers: list[Answer]) -> list[Answer]:
    """Answers claimed by a worker that has stalled since."""
    Answer.objects.update(status="scoring", claimed_at=now() - timedelta(hours=1))
    return list(Answer.objects.order_by("pk"))


def postponement(exam: Exam, answers: list[Answer]) -> Operation:
    """Postpone claimed answers because the service is down."""
    claim = claimed(exam, answers)
    return lambda: postponing.postpone(claim, "away")


def sweep(exam: Exam, answers: list[Answer]) -> Operation:
    """Release answers of a stalled worker."""
    claimed(exam, answers)
    return batches.release_stalled


def retry(exam: Exam, answers: list[Answer]) -> Operation:
    """Retry failed answers."""
    Answer.objects.update(status="failed")
    return lambda: batches.retry(Answer.objects.all())


def general_promotion(exam: Exam, answers: list[Answer]) -> Operation:
    """Promote a general calibration, which then marks both questions."""
    calibration = Calibration.objects.create(question=None, status="ready", sha256="d" * 64)
    return lambda: general.promote(calibration)


def deletion(exam: Exam, answers: list[Answer]) -> Operation:
    """Delete the exam's answers."""
    return lambda: retention.delete_answers(exam)


OF_TWO_QUESTIONS = (another_question, general_promotion)


@pytest.mark.parametrize(
    "operation",
    [
        withdrawal,
        another_question,
        group_mark,
        postponement,
        sweep,
        retry,
        general_promotion,
        deletion,
    ],
)
def test_it_deadlocks_with_nobody_who_locks_the_highest_key_first(
    operation: Callable[[Exam, list[Answer]], Operation],
) -> None:
    exam = exam_in(reference_rate=0)
    questions = ("Q1", "Q2") if operation in OF_TWO_QUESTIONS else ("Q1", "Q1")
    answers = [
        answers_of(exam, text, question=q)[0] for q, text in zip(questions, "一二", strict=True)
    ]
    do, locked = operation(exam, answers), threading.Event()

    def lock_both() -> None:
        with transaction.atomic():
            for answer in reversed(answers):
                list(Answer.objects.select_for_update().filter(pk=answer.pk))
                locked.set()
                time.sleep(BLOCKED)

    def act() -> Any:
        locked.wait(30)
        return do()

    done, failed = run_concurrently([lock_both, act])
    assert done is None
    assert not isinstance(failed, Exception), failed
