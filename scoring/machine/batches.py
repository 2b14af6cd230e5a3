"""Turn waiting answers into marks: claim a batch, score it over HTTP, write each mark once."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import override

from pmscoring.base import texts
from scoring.contract.lengths import too_long
from scoring.inference import Inference, InferenceError, InferenceUnavailable, OtherEncoder
from scoring.machine import lanes, portions, requests, slow_lane
from scoring.machine.postponing import fail, postpone, put_off, still_claimed
from scoring.marks import settlement
from scoring.models import Answer, Mark, Question, locks

OTHER_WEIGHTS = (
    "the calibration was made under other weights than the inference service has now;"
    " it waits for a new calibration, or for the present one to be rolled back"
)
OTHER_WEIGHTS_SECONDS = 60.0


def score_waiting(question: Question, inference: Inference, *, seconds: float = math.inf) -> int:
    """Score batches until no answer of the question waits; return how many answers were scored.

    After so many seconds no further batch is begun. Raises InferenceUnavailable, and OtherEncoder
    where the calibration was made with other weights than the service has. In both cases the
    claimed answers wait again, for a later time.
    """
    total, end = 0, time.monotonic() + seconds
    while scored := score_batch(question, inference):
        total += scored
        if time.monotonic() >= end:
            break
    return total


@dataclass(frozen=True)
class Judgement:
    """The machine's mark of a text; the spans in `criteria` are in offsets of that text."""

    text: str
    model: str
    points: Any
    criteria: list[dict[str, Any]]
    flags: list[str]
    confidence: float | None


Judgements = dict[str, Judgement]
"""Judgements by text key."""


@override("en")  # Reasons are stored in it, and worded for who reads them.
def score_batch(question: Question, inference: Inference) -> int:
    """Claim and score one batch; return its size, 0 where no answer waits.

    Slow answers come when no others wait, and not while another worker has some.
    """
    if answers := portions.claim(question):
        return _score_claimed(question, inference, answers)
    with slow_lane.turn() as is_ours:
        if is_ours and (answers := portions.claim_slow(question)):
            return _score_claimed(question, inference, answers)
    return 0


def _score_claimed(question: Question, inference: Inference, answers: Sequence[Answer]) -> int:
    """Score the answers; return how many they are.

    A text that has a mark in force already takes that mark over, without a request. Answers whose
    question was folded by the rules of a newer release wait for its workers.
    """
    # The definition or the calibration may change while this worker scores. The question is read
    # after the claim, so every change that it does not show comes later, and such a change takes
    # the claim away (`wait_again`): `_write_marks` then drops what was scored under the old one.
    question = Question.objects.select_related("calibration", "exam").get(pk=question.pk)
    # A worker of a newer release may have folded the question anew while this one, which knows only
    # former rules, still runs. Were it folded anew after this reading, the claim would be gone.
    if question.folding > texts.FOLDING:
        postpone(answers, _("waits for a worker of the newer release that folded its question"))
        return 0
    existing = _existing(question, {answer.text_key for answer in answers})
    _write_marks(question, [answer for answer in answers if answer.text_key in existing], existing)
    new = _short_enough(question, [each for each in answers if each.text_key not in existing])
    if new:
        _score_new(question, inference, new)
    return len(answers)


def _short_enough(question: Question, answers: Sequence[Answer]) -> list[Answer]:
    """Those of the answers that their question takes; others, of before it did not, fail."""
    wire = question.wire()
    reasons = {answer.pk: too_long(answer.text, wire) for answer in answers}
    for answer in answers:
        if reason := reasons[answer.pk]:
            fail([answer], reason)
    return [answer for answer in answers if not reasons[answer.pk]]


def _score_new(question: Question, inference: Inference, answers: Sequence[Answer]) -> None:
    try:
        judgements = _judge(question, inference, answers)
    except InferenceUnavailable as error:
        put_off(answers, error)
        raise
    except OtherEncoder:
        postpone(answers, OTHER_WEIGHTS, OTHER_WEIGHTS_SECONDS)
        raise
    except InferenceError as error:
        _isolate_refused(question, inference, answers, str(error))
    else:
        _write_marks(question, answers, judgements)


def waiting(question: Question) -> float:
    """How many batches the question's waiting answers are, as far as there are lanes for them.

    Slow answers are left to the sweep: asking for further tasks would not make them faster.
    """
    size = portions.most_answers(question)
    quick = Answer.objects.filter(question=question).quick().waiting()
    return quick[: (lanes.MOST + 1) * size].count() / size


def _existing(question: Question, keys: set[str]) -> Judgements:
    same_texts = Mark.objects.filter(answer__question=question, answer__text_key__in=keys)
    marks = same_texts.in_force(question).select_related("answer")
    return {
        mark.answer.text_key: Judgement(
            mark.answer.text, mark.model, mark.points, mark.criteria, mark.flags, mark.confidence
        )
        for mark in marks.order_by("answer__text_key", "-pk").distinct("answer__text_key")
    }


def _judge(question: Question, inference: Inference, answers: Sequence[Answer]) -> Judgements:
    """Have each distinct text scored once."""
    distinct = {answer.text_key: answer.text for answer in reversed(answers)}
    model, results = requests.judge(
        inference, question.wire(), question.active_sha256, list(distinct.items())
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
        for key, text in distinct.items()
    }


def _isolate_refused(
    question: Question, inference: Inference, answers: Sequence[Answer], reason: str
) -> None:
    """Halve the refused batch until the text that was refused fails alone, for this `reason`."""
    if len(answers) == 1:
        fail(answers, reason)
        return
    middle = len(answers) // 2
    for half in (answers[:middle], answers[middle:]):
        try:
            judgements = _judge(question, inference, half)
        except InferenceUnavailable as error:
            put_off(half, error)
        except OtherEncoder:
            postpone(half, OTHER_WEIGHTS, OTHER_WEIGHTS_SECONDS)
        except InferenceError as error:
            _isolate_refused(question, inference, half, str(error))
        else:
            _write_marks(question, half, judgements)


@transaction.atomic
def _write_marks(question: Question, answers: Sequence[Answer], judgements: Judgements) -> None:
    """Write the marks and states of those of the answers that are still claimed."""
    if not answers:
        return
    # Another threshold or calibration may be set at this moment, under FOR UPDATE on the question.
    # If that transaction comes first, this one waits, then settles by the new threshold or finds
    # its claim gone. If this one comes first, that one waits and then settles these marks, too.
    locks.share_question(question.pk)
    # The sweep or a change of the question may take the claim away. It cannot take answers that
    # are locked here, until the commit, and an answer that was taken before gets no mark.
    held = set(locks.lock_answers(still_claimed(answers)))
    marks = [
        _mark(question, answer, judgements[answer.text_key])
        for answer in answers
        if answer.pk in held
    ]
    # An answer that waits again, as after a roll-back, may have this mark from before: it is kept.
    Mark.objects.bulk_create(marks, ignore_conflicts=True)
    by_flags: dict[tuple[str, ...], list[int]] = {}
    for mark in marks:
        by_flags.setdefault(tuple(mark.flags), []).append(mark.answer_id)
    for flags, keys in by_flags.items():
        Answer.objects.filter(pk__in=keys).update(
            status=Answer.Status.SCORED, flags=list(flags), reason="", claimed_at=None, breaks=0
        )
    settlement.settle(mark.answer_id for mark in marks)


def _mark(question: Question, answer: Answer, judgement: Judgement) -> Mark:
    criteria = judgement.criteria
    if answer.text != judgement.text:
        criteria = _move_spans(criteria, judgement.text, answer.text)
    return Mark(
        answer=answer,
        source=Mark.Source.MACHINE,
        points=judgement.points,
        criteria=criteria,
        flags=judgement.flags,
        confidence=judgement.confidence,
        calibration=question.active_sha256,
        model=judgement.model,
        definition=question.digest,
        text_key=answer.text_key,
    )


def _move_spans(criteria: list[dict[str, Any]], source: str, target: str) -> list[dict[str, Any]]:
    """The criteria with spans in offsets of `target`, which folds to the same as `source`."""
    source_folded, target_folded = texts.fold(source), texts.fold(target)

    def move(span: dict[str, Any]) -> dict[str, Any]:
        start, end = texts.move_span(source_folded, target_folded, span["start"], span["end"])
        return {**span, "start": start, "end": end}

    return [
        {
            **criterion,
            "evidence": [move(span) for span in criterion["evidence"]],
            "doubts": [move(span) for span in criterion.get("doubts", [])],
        }
        for criterion in criteria
    ]


@transaction.atomic
def release_stalled() -> int:
    """Let answers that were claimed too long ago wait again; return how many."""
    # A worker that was only slow may write its marks at this moment. If it has locked its answers,
    # they are skipped here; if this comes first, it finds its claim gone and writes nothing.
    after = timedelta(seconds=settings.SCORING_STALLED_SECONDS)
    keys = locks.lock_answers(Answer.objects.stalled(after), skip_locked=True)
    return Answer.objects.filter(pk__in=keys).update(
        status=Answer.Status.WAITING, claimed_at=None, reason="the worker went quiet"
    )


def questions_waiting() -> list[int]:
    """The keys of questions that have an answer to be scored now."""
    return list(Answer.objects.waiting().order_by().values_list("question", flat=True).distinct())


def retry(answers: "models.QuerySet[Answer]") -> int:
    """Let failed and postponed answers be scored now; return how many."""
    at_rest = answers.filter(status__in=[Answer.Status.FAILED, Answer.Status.WAITING])
    questions = list(at_rest.order_by().values_list("question", flat=True).distinct())
    return sum(_retry(at_rest.filter(question=question)) for question in questions)


@transaction.atomic
def _retry(answers: "models.QuerySet[Answer]") -> int:
    """Retry the answers, which are of one question."""
    # Loading a definition locks the questions and their answers one question after another. A
    # transaction that held answers to several questions could deadlock with it.
    keys = locks.lock_answers(answers)
    return Answer.objects.filter(pk__in=keys).update(
        status=Answer.Status.WAITING, tries=0, breaks=0, reason="", not_before=now()
    )
