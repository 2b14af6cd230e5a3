"""The calibration that marks a question: compared with the present one, promoted, rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.agreement.kappa import agreement
from scoring.calibration import thresholds
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Example, Mark, Promotion, Question, locks

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Promotion.Kind


@dataclass(frozen=True)
class Measured:
    """Agreement of one calibration with people; `kappa` is None where it is not defined."""

    kappa: float | None
    exact: float
    adjacent: float
    mae: float

    @property
    def rank(self) -> tuple[float, float, float]:
        """Greater is better: by QWK, then exact agreement, then mean absolute error."""
        return (-1.0 if self.kappa is None else self.kappa, self.exact, -self.mae)


@dataclass(frozen=True)
class Comparison:
    """The new and the present calibration on the same texts, which neither was fitted to.

    `present` is None where the present one has marked none of the texts, or can mark nothing more
    because it was made under other weights.
    """

    texts: int
    new: Measured | None
    present: Measured | None

    @property
    def is_better(self) -> bool:
        if self.new is None or self.present is None:
            return True
        return self.new.rank > self.present.rank


@dataclass(frozen=True)
class Predicted:
    """A text's points by people, and those predicted by fits that had not seen it."""

    answers: list[int]
    points: float
    predicted: float


def compare(question: Question, calibration: Calibration) -> Comparison:
    """Compare a fitted calibration with the present one, or with the uncalibrated method.

    Both are measured on the texts of the new one's examples, by its out-of-fold predictions. The
    present one's out-of-fold predictions count for texts that it was fitted to: a fold follows
    from the text, so both have the same folds. For other texts its mark counts.
    """
    present = question.calibration
    new = _out_of_fold(calibration, question)
    is_usable = present is None or present.model == calibration.model
    old = _present_points(question, new) if is_usable else {}
    shared = [key for key in new if key in old]
    texts = shared or list(new)
    return Comparison(
        len(texts),
        _measure([(new[key].predicted, new[key].points) for key in texts], question),
        _measure([(old[key], new[key].points) for key in shared], question),
    )


def _out_of_fold(calibration: Calibration, question: Question) -> dict[str, Predicted]:
    """By text key; of a general calibration only the examples of this question."""
    rows = Example.objects.filter(calibration=calibration, answer__question=question)
    rows = rows.order_by("answer_id")
    by_text: dict[str, Predicted] = {}
    for key, answer, points, predicted in rows.values_list(
        "answer__text_key", "answer_id", "points", "predicted"
    ):
        text = by_text.setdefault(key, Predicted([], float(points), float(predicted)))
        text.answers.append(answer)
    return by_text


def _present_points(question: Question, new: Mapping[str, Predicted]) -> dict[str, float]:
    """By text key: the present calibration's points, from no fit that had seen the text."""
    present = question.calibration
    keys = {answer: key for key, text in new.items() for answer in text.answers}
    marks = Mark.objects.filter(answer__in=list(keys)).in_force(question).order_by("pk")
    points = {keys[answer]: float(p) for answer, p in marks.values_list("answer_id", "points")}
    if present:
        fitted_to = _out_of_fold(present, question)
        points |= {key: text.predicted for key, text in fitted_to.items() if key in new}
    return points


def _measure(pairs: Sequence[tuple[float, float]], question: Question) -> Measured | None:
    if not pairs:
        return None
    measured = agreement(pairs, float(question.step))
    return Measured(measured.kappa, measured.exact, measured.adjacent, measured.mae)


def promote_if_better(calibration: Calibration) -> Promotion | None:
    """Promote it if it is better than the present one and results may still change."""
    question = Question.objects.select_related("exam", "calibration").get(pk=calibration.own.pk)
    if question.exam.frozen or calibration.definition != question.digest:
        return None
    if not compare(question, calibration).is_better:
        return None
    try:
        return promote(calibration, None, Kind.AUTOMATIC)
    except WrongState:
        return None  # The exam was fixed between the look above and the lock in `promote`.


@transaction.atomic
def promote(
    calibration: Calibration,
    user: "User | None" = None,
    kind: str = Kind.MANUAL,
    shown: str = "",
) -> Promotion:
    """Let it mark the question from now on: answers are scored again, marks by people stay.

    `shown` is `thresholds.in_use` when the person decided. Raises WrongState where the exam is
    fixed, something else is in use by now, or the calibration is not ready, in use already, or
    fitted to the question as it was before.
    """
    question = lock(calibration.own)
    thresholds.require_shown(question, shown)
    if message := refusal(question, calibration):
        raise WrongState(message)
    comparison = asdict(compare(question, calibration))
    return switch(question, calibration, kind, user, comparison)


def refusal(question: Question, calibration: Calibration) -> str:
    """Say why it cannot be promoted; "" where it can."""
    words = {"calibration": calibration, "status": calibration.get_status_display()}
    if calibration.status != Calibration.Status.READY:
        return _("%(calibration)s is %(status)s") % words
    if calibration.definition != question.digest:
        return _("%(calibration)s was fitted before the question was changed") % words
    if question.calibration_id == calibration.pk:
        return _("%(calibration)s is in use already") % words
    return ""


@transaction.atomic
def roll_back(question: Question, user: "User | None" = None, shown: str = "") -> Promotion:
    """Go back to what marked the question before: another calibration, the general one, or none.

    Its marks are stored, so only answers that arrived since are scored. `shown` is as in `promote`.
    Raises WrongState where the exam is fixed, no calibration is in use, or another by now.
    """
    question = lock(question)
    thresholds.require_shown(question, shown)
    if question.calibration_id is None:
        raise WrongState(_("%s has no calibration") % question.code)
    return switch(question, before(question), Kind.ROLLBACK, user)


def before(question: Question) -> Calibration | None:
    """The calibration that `roll_back` would go back to; None for the uncalibrated method."""
    present = question.calibration
    if present is not None and present.is_general:
        return None
    earlier = previous(question.promotions.all())
    return carried_over(question) if earlier is None or earlier.is_general else earlier


def previous(promotions: "QuerySet[Promotion]") -> Calibration | None:
    """The calibration that was in use before the last promotion; None where there was none."""
    steps: list[Calibration | None] = [None]
    for promotion in promotions.order_by("pk").select_related("calibration"):
        if promotion.kind == Kind.DEFINITION:
            steps = [None]
        elif promotion.kind == Kind.ROLLBACK:
            steps = steps[:-1] or [None]
        else:
            steps.append(promotion.calibration)
    return steps[-2] if len(steps) > 1 else None


def general_promotions() -> "QuerySet[Promotion]":
    """Promotions of general calibrations, the newest first."""
    return Promotion.objects.filter(question=None)


def general() -> Calibration | None:
    """The general calibration that is in use."""
    newest = general_promotions().select_related("calibration").first()
    return newest.calibration if newest else None


def carried_over(question: Question) -> Calibration | None:
    """What marks the question while it has no calibration of its own: the general one, or none.

    A general calibration does not mark questions in sections.
    """
    return None if question.sections else general()


def adopt(question: Question) -> None:
    """Let the general calibration mark a new question, where one is in use.

    Needs a transaction that holds the exam.
    """
    if calibration := carried_over(question):
        switch(question, calibration, Kind.GENERAL)


def set_aside(question: Question) -> None:
    """After the question has changed, take the calibration fitted to its old definition out of use.

    Needs a transaction that holds the exam; the caller lets the answers wait again.
    """
    present = question.calibration
    if present is None or (present.is_general and not question.sections):
        return
    successor = carried_over(question)
    Promotion.objects.create(question=question, calibration=successor, kind=Kind.DEFINITION)
    question.calibration = successor
    question.save(update_fields=["calibration"])
    if question.threshold is not None:
        thresholds.record(question, None, None, None)


def lock(question: Question) -> Question:
    """Lock the question and return it as it is now; raises WrongState where the exam is fixed.

    Of two promotions, or a promotion and a threshold, at once, the second waits here and then
    decides by what the first has written.
    """
    settlement.hold(question.exam)
    return locks.lock_question(question.pk)


def switch(
    question: Question,
    calibration: Calibration | None,
    kind: str,
    user: "User | None" = None,
    comparison: dict[str, Any] | None = None,
) -> Promotion:
    """Put the calibration, or none, to use: the answers wait to be scored under it.

    Needs a transaction that holds the exam.
    """
    value, proposed = threshold_under(question, calibration, kind)
    question.calibration = calibration
    question.save(update_fields=["calibration"])
    promotion = Promotion.objects.create(
        question=question,
        calibration=calibration,
        kind=kind,
        comparison=comparison or {},
        promoted_by=user,
    )
    if question.threshold is not None or value is not None:
        thresholds.record(question, value, user, proposed)
    Answer.objects.filter(question=question).wait_again()
    return promotion


def threshold_under(
    question: Question, calibration: Calibration | None, kind: str = Kind.MANUAL
) -> tuple[float | None, thresholds.Proposal | None]:
    """The question's threshold under another calibration, and the proposal that it rests on.

    After a rollback it is the threshold that last held under that calibration. After a promotion
    None stays None, because nobody has let the machine's marks become final; otherwise it is the
    threshold that reaches the same target on the new curve, but never less strict than before, and
    None where the curve does not reach the target.
    """
    if calibration is None or calibration.is_general:
        return None, None
    if kind == Kind.ROLLBACK:
        last = question.thresholds.filter(calibration=calibration).first()
        return (last.value if last else None), None
    present = question.threshold
    if present is None:
        return None, None
    latest = question.thresholds.first()
    target = latest.target if latest else None
    proposed = thresholds.proposal(question, target, calibration)
    return (None if proposed.value is None else max(present, proposed.value)), proposed
