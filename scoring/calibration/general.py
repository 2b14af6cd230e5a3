"""Marks by people of many questions become a calibration for those that have none of their own.

Asked for, fitted by a worker and kept as a question's is; it knows no confidence, so that its marks
stay suggestions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import promotion
from scoring.calibration.fitting import (
    Say,
    Text,
    TooFewMarks,
    carry_out,
    drawn,
    followed,
    keep,
    texts_of,
)
from scoring.inference import Fitted, Inference, InferenceError
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Exam, Mark, Promotion, Question, locks

FEWEST_QUESTIONS, FEWEST = 5, 200
Kind = Promotion.Kind


@dataclass(frozen=True)
class Marked:
    """A question with the texts that people marked."""

    question: Question
    texts: Sequence[Text]

    def wire(self) -> dict[str, Any]:
        """As the service reads it; a passage tells it nothing, and may be long."""
        question = {**self.question.wire(), "passage": ""}
        return {"question": question, "examples": [one.wire() for one in self.texts]}


def ask(user: Any = None) -> Calibration:
    """A general calibration that waits for a worker.

    Raises TooFewMarks, or WrongState where one is under way.
    """
    if told := lacking(*marked_texts()):
        raise TooFewMarks(told)
    try:
        with transaction.atomic():
            return Calibration.objects.create(question=None, requested_by=user)
    except IntegrityError as error:
        raise WrongState(_("A general calibration is under way.")) from error


def renew() -> Calibration | None:
    """One under the weights that the service has now; None where none can be had."""
    try:
        return ask()
    except WrongState:
        return None


def marks(question: Question) -> bool:
    """Whether the question, as it now is, is marked by a general calibration."""
    return Question.objects.filter(
        pk=question.pk, calibration__isnull=False, calibration__question=None
    ).exists()


def lacking(questions: int, texts: int) -> str:
    """What is missing for a general calibration, in words; empty where nothing is."""
    if questions >= FEWEST_QUESTIONS and texts >= FEWEST:
        return ""
    told = _(
        "People have marked %(texts)d different texts of %(questions)d questions without sections;"
        " %(fewest)d of %(fewest_questions)d are needed."
    )
    return told % {
        "texts": texts,
        "questions": questions,
        "fewest": FEWEST,
        "fewest_questions": FEWEST_QUESTIONS,
    }


def marked_texts() -> tuple[int, int]:
    """How many questions people have marked, and how many different texts of them."""
    found = Answer.objects.filter(final_source__in=Mark.PEOPLE, question__sections=[]).order_by()
    counts = found.values("question").annotate(texts=Count("text_key", distinct=True))
    by_question = [one["texts"] for one in counts]
    return len(by_question), sum(by_question)


def marked() -> list[Marked]:
    """All questions without sections that people have marked; of very many texts a draw."""
    by_people = Question.objects.filter(sections=[], answers__final_source__in=Mark.PEOPLE)
    questions = by_people.distinct().order_by("pk")
    by_question = [(question, texts_of(question)) for question in questions]
    chosen = drawn({_name(text): text.answers[0].text for _, each in by_question for text in each})
    kept = [(one, [text for text in texts if _name(text) in chosen]) for one, texts in by_question]
    return [Marked(one, texts) for one, texts in kept if texts]


def _name(text: Text) -> tuple[str, int]:
    return text.answers[0].text_key, text.answers[0].answer


def fit(calibration: Calibration, inference: Inference, say: Say = lambda *_: None) -> list[int]:
    """Fit a waiting general calibration, and promote it where it is better.

    The questions whose answers wait for its marks come back. Ends and raises as
    `calibrating.fit` does.
    """
    touched: list[int] = []

    def work() -> bool:
        found = marked()
        if told := lacking(len(found), sum(len(one.texts) for one in found)):
            raise InferenceError(told)
        stream = inference.calibrate_general([one.wire() for one in found])
        fitted = followed(calibration, stream, say)
        touched.extend(_keep(calibration, found, fitted))
        return bool(touched)

    carry_out(calibration, inference, work)
    return touched


def _keep(calibration: Calibration, found: Sequence[Marked], fitted: Fitted) -> list[int]:
    with calibration.all_or_none():
        # Before the calibration's row, as whoever loads a definition without one of the questions
        # has its exam, and then deletes what was predicted of its answers.
        for exam in sorted({one.question.exam_id for one in found}):
            locks.share_exam(exam)
        keep(calibration, [text for one in found for text in one.texts], fitted)
        return consider(calibration)


def consider(calibration: Calibration) -> list[int]:
    """Promote it where it is better than no calibration at all on questions that were left out.

    Where it is not, but the present one was made under other weights and can mark nothing more,
    none is in use from then on. The questions whose answers wait come back.
    """
    if is_better(calibration):
        return promote(calibration, None, Kind.AUTOMATIC)
    present = promotion.general()
    if present is not None and present.model != calibration.model:
        return _put_to_use(None, Kind.AUTOMATIC, None)
    return []


def is_better(calibration: Calibration) -> bool:
    """Whether its marks are nearer to people's than the uncalibrated method's, and order answers no
    worse, on the same texts of questions that it was not fitted to.

    Nearness alone could be had by marks that lie about the mean.
    """
    new, plain = calibration.metrics, calibration.metrics["uncalibrated"]
    is_nearer = new["rmse"] < plain["rmse"]
    return bool(is_nearer and (new["r"] or 0.0) >= (plain["r"] or 0.0))


def promote(calibration: Calibration, user: Any = None, kind: str = Kind.MANUAL) -> list[int]:
    """From now on it marks questions without a calibration of their own, where results may change.

    The questions whose answers wait come back. Raises WrongState where it cannot.
    """
    words = {"calibration": calibration, "status": calibration.get_status_display()}
    if not calibration.is_general:
        raise WrongState(_("%(calibration)s is that of a question") % words)
    if calibration.status != Calibration.Status.READY:
        raise WrongState(_("%(calibration)s is %(status)s") % words)
    if promotion.general() == calibration:
        raise WrongState(_("%(calibration)s is in use already") % words)
    return _put_to_use(calibration, kind, user)


def roll_back(user: Any = None) -> list[int]:
    """Back to the general calibration before the present one, or to none; see `promote`."""
    if promotion.general() is None:
        raise WrongState(_("no general calibration is in use"))
    return _put_to_use(before(), Kind.ROLLBACK, user)


def before() -> Calibration | None:
    """What `roll_back` would go back to."""
    return promotion.previous(promotion.general_promotions())


@transaction.atomic
def _put_to_use(calibration: Calibration | None, kind: str, user: Any) -> list[int]:
    """Results that are fixed stay as they are, and so does what marks them."""
    Promotion.objects.create(calibration=calibration, kind=kind, promoted_by=user)
    exams = Exam.objects.filter(questions__in=_without_own()).distinct().order_by("pk")
    touched: list[int] = []
    for exam in exams:
        try:
            settlement.hold(exam)
        except WrongState:
            continue
        touched += _switched(exam, calibration, user)
    return touched


def _switched(exam: Exam, calibration: Calibration | None, user: Any) -> list[int]:
    """The exam's questions that are marked by it, or by none, from now on."""
    keys = list(_without_own().filter(exam=exam).values_list("pk", flat=True))
    questions = [locks.lock_question(key) for key in keys]
    # One of its own may have been promoted while its lock was waited for.
    without = [one for one in questions if one.calibration is None or one.calibration.is_general]
    # All at once: question by question would not be the order in which others lock them.
    locks.lock_answers(Answer.objects.filter(question__in=without))
    for question in without:
        promotion.switch(question, calibration, Kind.GENERAL, user)
    return [question.pk for question in without]


def _without_own() -> "QuerySet[Question]":
    """Questions that a general calibration, or none, marks, and that it could mark."""
    found = Question.objects.filter(sections=[]).order_by("pk")
    return found.filter(calibration=None) | found.filter(calibration__question=None)
