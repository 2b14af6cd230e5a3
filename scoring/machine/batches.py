"""Waiting answers become marks: claimed in batches, scored over HTTP, written once."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.timezone import now

from pmscoring.base import texts
from scoring.inference import Inference, InferenceError, InferenceUnavailable, OtherEncoder
from scoring.machine import requests
from scoring.marks import settlement
from scoring.models import Answer, Mark, Question, locks

MOST_TRIES = 8
ESSAY = 16
"""An essay takes as long as so many short answers."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
OTHER_WEIGHTS = (
    "the calibration was made under other weights than the inference service has now;"
    " it waits for a new calibration, or for the present one to be rolled back"
)
OTHER_WEIGHTS_SECONDS = 60.0


def score_waiting(question: Question, inference: Inference) -> int:
    """Score batches until no answer of the question waits; how many were scored.

    Raises InferenceUnavailable, and OtherEncoder where the calibration was made under other
    weights, after putting the claimed answers back to a later time.
    """
    total = 0
    while scored := score_batch(question, inference):
        total += scored
    return total


@dataclass(frozen=True)
class Judgement:
    """A machine's mark of a text; its evidence in the offsets of that text."""

    text: str
    model: str
    points: Any
    criteria: list[dict[str, Any]]
    flags: list[str]
    confidence: float | None


Judgements = dict[str, Judgement]
"""By text key."""


def score_batch(question: Question, inference: Inference) -> int:
    """Claim and score one batch; 0 when nothing waits.

    What was marked before under the same definition and calibration takes that mark over, without
    a call.
    """
    size = max(settings.SCORING_BATCH // (ESSAY if question.sections else 1), 1)
    with transaction.atomic():
        answers = Answer.objects.claim(question.pk, size)
    # Read after the claim: a definition or a calibration that changes later takes the claim away.
    question = Question.objects.select_related("calibration").get(pk=question.pk)
    known = _known(question, {answer.text_key for answer in answers})
    _write(question, [answer for answer in answers if answer.text_key in known], known)
    unknown = [answer for answer in answers if answer.text_key not in known]
    if not unknown:
        return len(answers)
    try:
        judged = _judged(question, inference, unknown)
    except InferenceUnavailable as error:
        put_off(unknown, str(error), error.retry_after)
        raise
    except OtherEncoder:
        put_off(unknown, OTHER_WEIGHTS, OTHER_WEIGHTS_SECONDS)
        raise
    except InferenceError as error:
        _refused(question, inference, unknown, str(error))
        return len(answers)
    _write(question, unknown, judged)
    return len(answers)


def _known(question: Question, keys: set[str]) -> Judgements:
    same_texts = Mark.objects.filter(answer__question=question, answer__text_key__in=keys)
    marks = same_texts.in_force(question).select_related("answer")
    return {
        mark.answer.text_key: Judgement(
            mark.answer.text, mark.model, mark.points, mark.criteria, mark.flags, mark.confidence
        )
        for mark in marks.order_by("answer__text_key", "-pk").distinct("answer__text_key")
    }


def _judged(question: Question, inference: Inference, answers: Sequence[Answer]) -> Judgements:
    """Each distinct text is sent once."""
    firsts = {answer.text_key: answer.text for answer in reversed(answers)}
    model, results = requests.judge(
        inference, question.wire(), question.active_sha256, list(firsts.items())
    )
    return {
        key: Judgement(
            text,
            model,
            results[key]["points"],
            results[key]["criteria"],
            results[key]["flags"],
            results[key]["confidence"],
        )
        for key, text in firsts.items()
    }


@transaction.atomic
def put_off(answers: Sequence[Answer], reason: str, at_least: float = 0.0) -> None:
    """Back to waiting, each time for longer; jitter keeps workers from coming back as one."""
    locks.lock_answers(_claimed(answers))
    for tries in {answer.tries for answer in answers}:
        wait = min(FIRST_WAIT * 2**tries, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311
        rows = _claimed([answer for answer in answers if answer.tries == tries])
        rows.update(
            status=Answer.Status.WAITING,
            tries=min(tries + 1, MOST_TRIES),
            not_before=now() + timedelta(seconds=max(wait, at_least)),
            reason=reason[:500],
            claimed_at=None,
        )


def _claimed(answers: Iterable[Answer]) -> "models.QuerySet[Answer]":
    """Those of them that are still this caller's: `claimed_at` tells its claim from a later one,
    that of a worker to which the sweep or a change of the question gave them meanwhile.
    """
    answers = list(answers)
    return Answer.objects.filter(
        pk__in=[answer.pk for answer in answers],
        status=Answer.Status.SCORING,
        claimed_at=answers[0].claimed_at,
    )


def _refused(
    question: Question, inference: Inference, answers: Sequence[Answer], reason: str
) -> None:
    """One bad text must not fail its neighbours: halve the batch until it stands alone."""
    if len(answers) == 1:
        with transaction.atomic():
            _claimed(answers).update(status=Answer.Status.FAILED, reason=reason[:500])
            settlement.settle([answers[0].pk])
        return
    middle = len(answers) // 2
    for half in (answers[:middle], answers[middle:]):
        try:
            judged = _judged(question, inference, half)
        except InferenceUnavailable as error:
            put_off(half, str(error), error.retry_after)
        except OtherEncoder:
            put_off(half, OTHER_WEIGHTS, OTHER_WEIGHTS_SECONDS)
        except InferenceError as error:
            _refused(question, inference, half, str(error))
        else:
            _write(question, half, judged)


@transaction.atomic
def _write(question: Question, answers: Sequence[Answer], judged: Judgements) -> None:
    """Marks and states together; whoever lost the claim meanwhile writes nothing."""
    if not answers:
        return
    # A new threshold or calibration at this moment: whoever sets it sees these marks, or waits for
    # the question's workers to have written; or these wait, and settle by what was set.
    locks.share_question(question.pk)
    mine = set(locks.lock_answers(_claimed(answers)))
    marks = [
        _mark(question, answer, judged[answer.text_key]) for answer in answers if answer.pk in mine
    ]
    Mark.objects.bulk_create(marks, ignore_conflicts=True)
    by_flags: dict[tuple[str, ...], list[int]] = {}
    for mark in marks:
        by_flags.setdefault(tuple(mark.flags), []).append(mark.answer_id)
    for flags, keys in by_flags.items():
        Answer.objects.filter(pk__in=keys).update(
            status=Answer.Status.SCORED, flags=list(flags), reason="", claimed_at=None
        )
    settlement.settle(mark.answer_id for mark in marks)


def _mark(question: Question, answer: Answer, judged: Judgement) -> Mark:
    criteria = judged.criteria
    if answer.text != judged.text:
        criteria = _moved(criteria, judged.text, answer.text)
    return Mark(
        answer=answer,
        source=Mark.Source.MACHINE,
        points=judged.points,
        criteria=criteria,
        flags=judged.flags,
        confidence=judged.confidence,
        calibration=question.active_sha256,
        model=judged.model,
        definition=question.digest,
        text_key=answer.text_key,
    )


def _moved(criteria: list[dict[str, Any]], source: str, target: str) -> list[dict[str, Any]]:
    """The evidence in the offsets of another text that folds to the same."""
    one, other = texts.fold(source), texts.fold(target)

    def moved(span: dict[str, int]) -> dict[str, int]:
        start, end = texts.move_span(one, other, span["start"], span["end"])
        return {"start": start, "end": end}

    return [{**c, "evidence": [moved(span) for span in c["evidence"]]} for c in criteria]


@transaction.atomic
def release_stalled() -> int:
    """Answers of workers that went quiet wait again; how many.

    A worker that was only slow may write its marks at this moment. Then it holds its answers, and
    they are passed over here; or it comes second, finds its claim gone and writes nothing.
    """
    after = timedelta(seconds=settings.SCORING_STALLED_SECONDS)
    keys = locks.lock_answers(Answer.objects.stalled(after), skip_locked=True)
    return Answer.objects.filter(pk__in=keys).update(
        status=Answer.Status.WAITING, claimed_at=None, reason="the worker went quiet"
    )


def questions_waiting() -> list[int]:
    """Questions for which an answer could be scored now."""
    return list(Answer.objects.waiting().order_by().values_list("question", flat=True).distinct())


def retry(answers: "models.QuerySet[Answer]") -> int:
    """Failed answers, and those that were put off, wait from now on; how many."""
    at_rest = answers.filter(status__in=[Answer.Status.FAILED, Answer.Status.WAITING])
    questions = list(at_rest.order_by().values_list("question", flat=True).distinct())
    return sum(_retry(at_rest.filter(question=question)) for question in questions)


@transaction.atomic
def _retry(answers: "models.QuerySet[Answer]") -> int:
    """Those of one question: a definition that is loaded goes through the questions one by one,
    and would deadlock with whoever held answers to several.
    """
    keys = locks.lock_answers(answers)
    return Answer.objects.filter(pk__in=keys).update(
        status=Answer.Status.WAITING, tries=0, reason="", not_before=now()
    )
