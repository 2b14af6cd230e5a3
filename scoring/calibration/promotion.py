"""Which calibration a question's machine marks are made under: compared, promoted, rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.agreement.kappa import agreement
from scoring.calibration import thresholds
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Example, Mark, Promotion, Question, locks

Kind = Promotion.Kind


@dataclass(frozen=True)
class Measured:
    """How one of the two agrees with people; `kappa` is None where it is not defined."""

    kappa: float | None
    exact: float
    adjacent: float
    mae: float

    @property
    def rank(self) -> tuple[float, float, float]:
        """The greater the better: QWK, then exact agreement, then mean error."""
        return (-1.0 if self.kappa is None else self.kappa, self.exact, -self.mae)


@dataclass(frozen=True)
class Comparison:
    """The new and the present one on the same texts, to which neither prediction was fitted.

    `present` is None where the present one has marked none of them, or can mark nothing more:
    it was made under other weights.
    """

    texts: int
    new: Measured | None
    present: Measured | None

    @property
    def is_better(self) -> bool:
        """Whether the new one is."""
        if self.new is None or self.present is None:
            return True
        return self.new.rank > self.present.rank


@dataclass(frozen=True)
class Seen:
    """A text's points by people and as predicted by fits that had not seen it."""

    answers: list[int]
    points: float
    predicted: float


def compare(question: Question, calibration: Calibration) -> Comparison:
    """A fitted calibration beside the active one, or beside scoring without any.

    Both are judged on the texts of the new one's examples. Its predictions are those made out of
    fold. The present one's are, too, where the text was among its examples: folds are told by the
    text, so the folds are the same. Else its mark counts, which was not fitted to the text.
    """
    present = question.calibration
    new = _seen(calibration, question)
    is_usable = present is None or present.model == calibration.model
    other = _present(question, new) if is_usable else {}
    shared = [key for key in new if key in other]
    texts = shared or list(new)
    return Comparison(
        len(texts),
        _measured([(new[key].predicted, new[key].points) for key in texts], question),
        _measured([(other[key], new[key].points) for key in shared], question),
    )


def _seen(calibration: Calibration, question: Question) -> dict[str, Seen]:
    """By text; a general calibration has seen other questions, too."""
    rows = Example.objects.filter(calibration=calibration, answer__question=question)
    rows = rows.order_by("answer_id")
    found: dict[str, Seen] = {}
    for key, answer, points, predicted in rows.values_list(
        "answer__text_key", "answer_id", "points", "predicted"
    ):
        found.setdefault(key, Seen([], float(points), float(predicted))).answers.append(answer)
    return found


def _present(question: Question, new: Mapping[str, Seen]) -> dict[str, float]:
    """What the present one says of those texts without having been fitted to them."""
    present = question.calibration
    keys = {answer: key for key, one in new.items() for answer in one.answers}
    marks = Mark.objects.filter(answer__in=list(keys)).in_force(question).order_by("pk")
    found = {keys[key]: float(points) for key, points in marks.values_list("answer_id", "points")}
    if present:
        found |= {key: one.predicted for key, one in _seen(present, question).items() if key in new}
    return found


def _measured(both: Sequence[tuple[float, float]], question: Question) -> Measured | None:
    if not both:
        return None
    found = agreement(both, float(question.step))
    return Measured(found.kappa, found.exact, found.adjacent, found.mae)


def consider(calibration: Calibration) -> Promotion | None:
    """Promote it where it is better than the present one and results may still change."""
    question = Question.objects.select_related("exam", "calibration").get(pk=calibration.own.pk)
    if question.exam.frozen or calibration.definition != question.digest:
        return None
    if not compare(question, calibration).is_better:
        return None
    try:
        return promote(calibration, None, Kind.AUTOMATIC)
    except WrongState:
        return None  # The exam was fixed at this moment.


@transaction.atomic
def promote(calibration: Calibration, user: Any = None, kind: str = Kind.MANUAL) -> Promotion:
    """From now on it marks the question; the machine's marks are made anew, people's stay.

    Raises WrongState where the exam is fixed, or the calibration is not ready, in use already, or
    fitted to the question as it was before.
    """
    question = held(calibration.own)
    if told := refusal(question, calibration):
        raise WrongState(told)
    comparison = asdict(compare(question, calibration))
    return switch(question, calibration, kind, user, comparison)


def refusal(question: Question, calibration: Calibration) -> str:
    """Why it cannot be promoted, in words; empty where it can."""
    words = {"calibration": calibration, "status": calibration.get_status_display()}
    if calibration.status != Calibration.Status.READY:
        return _("%(calibration)s is %(status)s") % words
    if calibration.definition != question.digest:
        return _("%(calibration)s was fitted before the question was changed") % words
    if question.calibration_id == calibration.pk:
        return _("%(calibration)s is in use already") % words
    return ""


@transaction.atomic
def roll_back(question: Question, user: Any = None) -> Promotion:
    """Back to what marked the question before the present calibration did: another, the general
    one, or none.

    Its marks are known, so nothing is scored again but what came in since. Raises WrongState
    where the exam is fixed or no calibration is in use.
    """
    question = held(question)
    if question.calibration_id is None:
        raise WrongState(_("%s has no calibration") % question.code)
    return switch(question, before(question), Kind.ROLLBACK, user)


def before(question: Question) -> Calibration | None:
    """What `roll_back` would go back to."""
    present = question.calibration
    if present is not None and present.is_general:
        return None
    earlier = previous(question.promotions.all())
    return carried_over(question) if earlier is None or earlier.is_general else earlier


def previous(promotions: "QuerySet[Promotion]") -> Calibration | None:
    """What was in use before the last of these; None where nothing was."""
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
    """Those of general calibrations, the newest first."""
    return Promotion.objects.filter(question=None)


def general() -> Calibration | None:
    """The general calibration that is in use."""
    made = general_promotions().select_related("calibration").first()
    return made.calibration if made else None


def carried_over(question: Question) -> Calibration | None:
    """What marks the question without a calibration of its own: the general one, or none.

    It knows nothing of questions in sections.
    """
    return None if question.sections else general()


def adopt(question: Question) -> None:
    """A new question is marked by the general calibration, where one is in use.

    Needs a transaction, which holds the exam.
    """
    if found := carried_over(question):
        switch(question, found, Kind.GENERAL)


def set_aside(question: Question) -> None:
    """The question has changed: what was fitted to its former self marks it no more.

    Needs a transaction, which holds the exam; the caller lets the answers wait again.
    """
    present = question.calibration
    if present is None or (present.is_general and not question.sections):
        return
    then = carried_over(question)
    Promotion.objects.create(question=question, calibration=then, kind=Kind.DEFINITION)
    question.calibration = then
    question.save(update_fields=["calibration"])
    if question.threshold is not None:
        thresholds.record(question, None, None, None)


def held(question: Question) -> Question:
    """The question as it is now, and stays until this transaction ends.

    Of two promotions, or a promotion and a threshold, the second waits here and decides by what the
    first has written. Raises WrongState where the exam is fixed.
    """
    settlement.hold(question.exam)
    return locks.lock_question(question.pk)


def switch(
    question: Question,
    calibration: Calibration | None,
    kind: str,
    user: Any = None,
    comparison: dict[str, Any] | None = None,
) -> Promotion:
    """The question's answers wait for marks under it; in a transaction that holds the exam."""
    value, proposed = threshold_under(question, calibration, kind)
    question.calibration = calibration
    question.save(update_fields=["calibration"])
    made = Promotion.objects.create(
        question=question,
        calibration=calibration,
        kind=kind,
        comparison=comparison or {},
        promoted_by=user,
    )
    if question.threshold is not None or value is not None:
        thresholds.record(question, value, user, proposed)
    Answer.objects.filter(question=question).wait_again()
    return made


def threshold_under(
    question: Question, calibration: Calibration | None, kind: str = Kind.MANUAL
) -> tuple[float | None, thresholds.Proposal | None]:
    """What becomes of the question's threshold under another calibration, and why.

    After rolling back the threshold is the one that last held under that calibration, whatever
    holds now. After a promotion None stays None, for no one has let the machine's marks stand;
    else the same target is sought on the new curve, and the threshold is never less strict than
    before; where the curve does not show the target, no machine mark stands.
    """
    if calibration is None or calibration.is_general:
        return None, None
    if kind == Kind.ROLLBACK:
        last = question.thresholds.filter(calibration=calibration).first()
        return (last.value if last else None), None
    was = question.threshold
    if was is None:
        return None, None
    latest = question.thresholds.first()
    target = latest.target if latest else None
    proposed = thresholds.proposal(question, target, calibration)
    return (None if proposed.value is None else max(was, proposed.value)), proposed
