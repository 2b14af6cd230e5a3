"""From which confidence on the machine's marks stand: proposed by the curve, applied, recorded."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.agreement import coverage
from scoring.marks import settlement
from scoring.models import (
    Answer,
    Calibration,
    Example,
    Mark,
    MarkingPolicy,
    Question,
    Threshold,
    locks,
)
from scoring.models.answers import AnswerQuerySet

ALPHA = 0.05
"""How probable it may be that a proposal promises too much."""
MOST_CUTS = 200
LEAST_TARGET, MOST_TARGET = 0.5, 0.999


@dataclass(frozen=True)
class Proposal:
    """What the marked answers show for a target; `cut` is None where they show it for no cut."""

    target: float
    cut: coverage.Cut | None
    texts: int
    fewest: int

    @property
    def value(self) -> float | None:
        """The confidence from which marks may stand."""
        return self.cut.threshold if self.cut else None


def pairs(calibration: Calibration | None) -> list[coverage.Pair]:
    """Confidence, and whether people agree, of each text the calibration was fitted to, by fits
    that had not seen it. Answers that fold to the same are one text, for they agree as one.
    """
    if calibration is None or calibration.is_general:
        return []
    rows = Example.objects.filter(calibration=calibration)
    firsts = rows.order_by("answer__text_key", "answer_id").distinct("answer__text_key")
    found = firsts.values_list("confidence", "predicted", "points")
    return [(sure or 0.0, predicted == points) for sure, predicted, points in found]


def curve(calibration: Calibration | None, most: int = MOST_CUTS) -> list[coverage.Cut]:
    """The calibration's coverage curve in at most so many cuts, of which the last is always one."""
    cuts = coverage.curve(pairs(calibration))
    if len(cuts) <= most:
        return cuts
    return [cuts[(index + 1) * len(cuts) // most - 1] for index in range(most)]


def proposal(
    question: Question, target: float | None = None, calibration: Calibration | None = None
) -> Proposal:
    """The loosest threshold that keeps the target (the policy's) under the active calibration, or
    under another.
    """
    if target is None:
        target = MarkingPolicy.of(question.exam).target_agreement
    found = pairs(calibration or question.calibration)
    cut = coverage.threshold(found, target, ALPHA) if found else None
    return Proposal(target, cut, len(found), coverage.fewest_answers(target, ALPHA))


def standing(question: Question, value: float | None) -> tuple[int, int]:
    """Answers whose machine mark would stand from this confidence on, and answers so marked."""
    marks = _current(question)
    return 0 if value is None else marks.filter(confidence__gte=value).count(), marks.count()


@transaction.atomic
def apply(
    question: Question, value: float | None, user: Any = None, proposed: Proposal | None = None
) -> Threshold:
    """Let machine marks of at least this confidence stand, or none.

    What is settled otherwise by it waits for a worker to do so; nothing is scored anew. Raises
    WrongState where the exam is fixed, or where there is no calibration and so no confidence.
    """
    settlement.hold(question.exam)
    # A worker that writes marks shares the question. It either comes first, and its marks are seen
    # by `_between`, or it waits here and settles by the new value.
    question = locks.lock_question(question.pk)
    calibration = question.calibration
    if value is not None and (calibration is None or calibration.is_general):
        told = _("%s has no calibration of its own, and so its marks no confidence")
        raise WrongState(told % question.code)
    touched = _between(question, question.threshold, value)
    made = record(question, value, user, proposed)
    touched.wait_again()
    return made


def record(
    question: Question, value: float | None, user: Any, proposed: Proposal | None
) -> Threshold:
    """Write the value and by what right it holds."""
    question.threshold = value
    question.save(update_fields=["threshold"])
    return Threshold.objects.create(
        question=question,
        calibration_id=question.calibration_id,
        value=value,
        target=proposed.target if proposed else None,
        bound=proposed.cut.bound if proposed and proposed.cut else None,
        set_by=user,
    )


def _current(question: Question) -> "QuerySet[Mark]":
    """The machine's marks in force that have a confidence."""
    sure = Mark.objects.filter(answer__question=question, confidence__isnull=False)
    return sure.in_force(question)


def _between(question: Question, old: float | None, new: float | None) -> AnswerQuerySet:
    """Answers that people have not settled and whose mark only one of the two lets stand."""
    bounds = [value for value in (old, new) if value is not None]
    if not bounds or old == new:
        return Answer.objects.none()
    marks = _current(question).filter(confidence__gte=min(bounds))
    if len(bounds) == 2:
        marks = marks.filter(confidence__lt=max(bounds))
    open_still = Answer.objects.filter(final_source__in=["", Mark.Source.MACHINE])
    return open_still.filter(pk__in=marks.values("answer"))
