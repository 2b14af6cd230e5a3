"""The confidence from which the machine's marks are final: proposed, applied and recorded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import ChangedMeanwhile, WrongState
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

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ALPHA = 0.05
"""The highest probability that answers above a proposed threshold agree less than its target."""
MOST_CUTS = 200
"""Points of a coverage curve that are shown."""
LEAST_TARGET, MOST_TARGET = 0.5, 0.999
"""Shares of agreement with people that may be asked for."""


@dataclass(frozen=True)
class Proposal:
    """The threshold that the marked answers support for a target agreement, a share in (0, 1).

    `cut` is None where they support none. `texts` is the number of different texts of these
    answers, and `fewest` the number without which no threshold can be supported.
    """

    target: float
    cut: coverage.Cut | None
    texts: int
    fewest: int

    @property
    def value(self) -> float | None:
        """The proposed threshold, a confidence in [0, 1]."""
        return self.cut.threshold if self.cut else None


def pairs(calibration: Calibration | None) -> list[coverage.Pair]:
    """Return the confidence, and whether people agree, for each text of the calibration's examples.

    Both are out-of-fold predictions: of fits that had not seen the text. Answers with the same
    folded text count once, because the machine gives them the same points. Those with a flag that
    keeps a mark a suggestion count for nothing, since no threshold makes them final. [] for a
    general calibration, whose predictions have no confidence.
    """
    if calibration is None or calibration.is_general:
        return []
    harmless = MarkingPolicy.of(calibration.own.exam).harmless_flags
    rows = Example.objects.filter(calibration=calibration, answer__flags__contained_by=harmless)
    firsts = rows.order_by("answer__text_key", "answer_id").distinct("answer__text_key")
    examples = firsts.values_list("confidence", "predicted", "points")
    return [(confidence or 0.0, predicted == points) for confidence, predicted, points in examples]


def curve(calibration: Calibration | None, most: int = MOST_CUTS) -> list[coverage.Cut]:
    """Return the calibration's coverage curve, thinned to `most` cuts; the last one is kept."""
    cuts = coverage.curve(pairs(calibration))
    if len(cuts) <= most:
        return cuts
    return [cuts[(index + 1) * len(cuts) // most - 1] for index in range(most)]


def proposal(
    question: Question, target: float | None = None, calibration: Calibration | None = None
) -> Proposal:
    """Return the loosest threshold that reaches the target agreement.

    By default the target is that of the exam's policy, and the calibration the active one.
    """
    if target is None:
        target = MarkingPolicy.of(question.exam).target_agreement
    examples = pairs(calibration or question.calibration)
    cut = coverage.threshold(examples, target, ALPHA) if examples else None
    return Proposal(target, cut, len(examples), coverage.fewest_answers(target, ALPHA))


def standing(question: Question, value: float | None) -> tuple[int, int]:
    """Return how many of the machine's marks reach the threshold, and how many have a confidence.

    Only marks in force are counted, and as reaching it only those without a flag that keeps them a
    suggestion. None, for no threshold, is reached by no mark.
    """
    marks, harmless = _current(question), MarkingPolicy.of(question.exam).harmless_flags
    reaching = marks.filter(confidence__gte=value or 0.0, flags__contained_by=harmless)
    return 0 if value is None else reaching.count(), marks.count()


def in_use(question: Question) -> str:
    """What marks the question now, its calibration and threshold, for pages to send back."""
    return f"{question.calibration_id} {question.threshold!r}"


def require_shown(question: Question, shown: str) -> None:
    """Raise ChangedMeanwhile where a page showed something else in use; "" where there was none."""
    if shown and shown != in_use(question):
        raise ChangedMeanwhile(
            _(
                "Somebody else has changed the calibration or the threshold of %(question)s since"
                " you opened the page, and nothing of yours is saved. Look at what is in use now."
            )
            % {"question": question.code}
        )


@transaction.atomic
def apply(
    question: Question,
    value: float | None,
    user: "User | None" = None,
    proposed: Proposal | None = None,
    shown: str = "",
) -> Threshold:
    """Make machine marks of at least this confidence final; with None, no machine mark.

    The answers on which the old and the new threshold differ wait for a worker, which settles them
    by their stored marks: nothing is scored again. `shown` is `in_use` when the person decided.
    Raises WrongState where the exam is fixed, where something else is in use by now, or where marks
    have no confidence because the question has no calibration of its own.
    """
    settlement.hold(question.exam)
    # A worker may be writing marks at this moment, while it holds the question FOR SHARE. If it
    # comes first, this waits and `_between` sees its marks. If this comes first, the worker waits
    # and settles by the new threshold. Of two thresholds at once, the second waits here and starts
    # from the first one's.
    question = locks.lock_question(question.pk)
    require_shown(question, shown)
    calibration = question.calibration
    if value is not None and (calibration is None or calibration.is_general):
        message = _("%s has no calibration of its own, so its marks have no confidence")
        raise WrongState(message % question.code)
    affected = _between(question, question.threshold, value)
    threshold = record(question, value, user, proposed)
    affected.wait_again()
    return threshold


def record(
    question: Question, value: float | None, user: "User | None", proposed: Proposal | None
) -> Threshold:
    """Set the question's threshold, and record who set it and which proposal it rests on.

    Needs a transaction that holds the question, or the exam, FOR UPDATE.
    """
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
    marks = Mark.objects.filter(answer__question=question, answer__counts=True)
    marks = marks.filter(confidence__isnull=False)
    return marks.in_force(question)


def _between(question: Question, old: float | None, new: float | None) -> AnswerQuerySet:
    """Answers whose mark reaches one of the thresholds only, without a final mark by people."""
    bounds = [value for value in (old, new) if value is not None]
    if not bounds or old == new:
        return Answer.objects.none()
    marks = _current(question).filter(confidence__gte=min(bounds))
    if len(bounds) == 2:
        marks = marks.filter(confidence__lt=max(bounds))
    not_by_people = Answer.objects.filter(final_source__in=["", Mark.Source.MACHINE])
    return not_by_people.filter(pk__in=marks.values("answer"))
