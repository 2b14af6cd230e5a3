"""Everyone locks answers in one order: no deed deadlocks with a transaction that does."""

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
from scoring.machine import batches
from scoring.models import Answer, AnswerGroup, Calibration, Exam
from scoring.review import groups, queue
from tests.scoring.concurrency import at_once
from tests.scoring.factories import FULL, answers_of, exam_in, make_user

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKED = 0.3
"""Seconds after which another is taken to wait for a lock."""
Deed = Callable[[], Any]
LOW_KEY, HIGH_KEY = 0, 1


def withdrawal(exam: Exam, answers: list[Answer]) -> Deed:
    """Of the mark of the one answer, while the other is in the marker's hands."""
    marker = make_user("a")
    mark = queue.mark(answers[LOW_KEY], marker, FULL)
    assert queue.next_answer(exam, marker)
    return lambda: queue.withdraw(mark, marker)


def another_question(exam: Exam, answers: list[Answer]) -> Deed:
    """The answer in hand is given back, and the one to the other question is wanted."""
    marker = make_user("a")
    first, second = (answer.question for answer in answers)
    assert queue.next_answer(exam, marker, first)
    return lambda: queue.next_answer(exam, marker, second)


def group_mark(exam: Exam, answers: list[Answer]) -> Deed:
    """Of all but one of the group's answers."""
    question = answers[LOW_KEY].question
    group = AnswerGroup.objects.create(
        question=question, kind="same", representative=answers[HIGH_KEY], size=2
    )
    Answer.objects.update(answer_group=group)
    return lambda: groups.mark_group(group, make_user("a"), FULL, [answers[LOW_KEY].pk])


def claimed(exam: Exam, answers: list[Answer]) -> list[Answer]:
    """By a worker that has gone quiet since."""
    Answer.objects.update(status="scoring", claimed_at=now() - timedelta(hours=1))
    return list(Answer.objects.order_by("pk"))


def putting_off(exam: Exam, answers: list[Answer]) -> Deed:
    """What the worker has, since the service is away."""
    mine = claimed(exam, answers)
    return lambda: batches.postpone(mine, "away")


def sweep(exam: Exam, answers: list[Answer]) -> Deed:
    """What the worker has, which is taken from it."""
    claimed(exam, answers)
    return batches.release_stalled


def retry(exam: Exam, answers: list[Answer]) -> Deed:
    """Both failed."""
    Answer.objects.update(status="failed")
    return lambda: batches.retry(Answer.objects.all())


def general_promotion(exam: Exam, answers: list[Answer]) -> Deed:
    """It marks both questions from then on."""
    general_one = Calibration.objects.create(question=None, status="ready", sha256="d" * 64)
    return lambda: general.promote(general_one)


def deletion(exam: Exam, answers: list[Answer]) -> Deed:
    """The exam's date has come."""
    return lambda: retention.delete_answers(exam)


OF_TWO_QUESTIONS = (another_question, general_promotion)


@pytest.mark.parametrize(
    "deed",
    [
        withdrawal,
        another_question,
        group_mark,
        putting_off,
        sweep,
        retry,
        general_promotion,
        deletion,
    ],
)
def test_it_deadlocks_with_nobody_who_locks_the_highest_key_first(
    deed: Callable[[Exam, list[Answer]], Deed],
) -> None:
    exam = exam_in(reference_rate=0)
    questions = ("Q1", "Q2") if deed in OF_TWO_QUESTIONS else ("Q1", "Q1")
    answers = [
        answers_of(exam, text, question=q)[0] for q, text in zip(questions, "一二", strict=True)
    ]
    do, locked = deed(exam, answers), threading.Event()

    def lock_both() -> None:
        with transaction.atomic():
            for answer in reversed(answers):
                list(Answer.objects.select_for_update().filter(pk=answer.pk))
                locked.set()
                time.sleep(BLOCKED)

    def act() -> Any:
        locked.wait(30)
        return do()

    done, failed = at_once([lock_both, act])
    assert done is None
    assert not isinstance(failed, Exception), failed
