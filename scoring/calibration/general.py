"""The general calibration: fitted to many questions' marks, it marks those without their own.

It is requested, fitted and stored like a question's calibration. It gives no confidence, so its
marks stay suggestions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    follow,
    sampled,
    store,
    texts_of,
)
from scoring.inference import Fitted, Inference, InferenceError
from scoring.marks import settlement
from scoring.models import Answer, Calibration, Exam, Mark, Promotion, Question, locks

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FEWEST_QUESTIONS, FEWEST = 5, 200
Kind = Promotion.Kind


@dataclass(frozen=True)
class Marked:
    """A question with its texts that people marked."""

    question: Question
    texts: Sequence[Text]

    def wire(self) -> dict[str, Any]:
        """The question and its examples for the service, which needs no passage; it may be long."""
        question = {**self.question.wire(), "passage": ""}
        return {"question": question, "examples": [text.wire() for text in self.texts]}


def request(user: "User | None" = None) -> Calibration:
    """Create a general calibration that waits for a worker.

    Raises TooFewMarks, or WrongState where one is under way.
    """
    if message := lacking(*marked_texts()):
        raise TooFewMarks(message)
    # Of two requests at once the second violates the constraint `one_fit_at_a_time`.
    try:
        with transaction.atomic():
            return Calibration.objects.create(question=None, requested_by=user)
    except IntegrityError as error:
        raise WrongState(_("A general calibration is under way.")) from error


def renew() -> Calibration | None:
    """Request one under the weights that the service has now; None where that is not possible."""
    try:
        return request()
    except WrongState:
        return None


def marks(question: Question) -> bool:
    """Whether the question is marked by a general calibration at present."""
    return Question.objects.filter(
        pk=question.pk, calibration__isnull=False, calibration__question=None
    ).exists()


def lacking(questions: int, texts: int) -> str:
    """Say what is missing for a general calibration; "" where nothing is."""
    if questions >= FEWEST_QUESTIONS and texts >= FEWEST:
        return ""
    message = _(
        "People have marked %(texts)d different texts of %(questions)d questions without sections;"
        " %(fewest)d of %(fewest_questions)d are needed."
    )
    return message % {
        "texts": texts,
        "questions": questions,
        "fewest": FEWEST,
        "fewest_questions": FEWEST_QUESTIONS,
    }


def marked_texts() -> tuple[int, int]:
    """How many questions people have marked, and how many different texts of them."""
    answers = Answer.objects.filter(final_source__in=Mark.PEOPLE, question__sections=[])
    counts = answers.order_by().values("question").annotate(texts=Count("text_key", distinct=True))
    by_question = [row["texts"] for row in counts]
    return len(by_question), sum(by_question)


def marked() -> list[Marked]:
    """Questions without sections that people have marked; a sample of very many texts."""
    by_people = Question.objects.filter(sections=[], answers__final_source__in=Mark.PEOPLE)
    questions = by_people.select_related("exam").distinct().order_by("pk")
    by_question = [(question, texts_of(question)) for question in questions]
    every = {_key(text): text.answers[0].text for _, texts in by_question for text in texts}
    chosen = sampled(every)
    samples = [
        Marked(question, [text for text in texts if _key(text) in chosen])
        for question, texts in by_question
    ]
    return [sample for sample in samples if sample.texts]


def _key(text: Text) -> tuple[str, int]:
    return text.answers[0].text_key, text.answers[0].answer


def fit(calibration: Calibration, inference: Inference, say: Say = lambda *_: None) -> list[int]:
    """Fit a waiting general calibration, and promote it if it is better.

    Returns the keys of the questions whose answers wait for its marks. Ends and raises like
    `fitting.fit`.
    """
    touched: list[int] = []

    def work() -> bool:
        samples = marked()
        if message := lacking(len(samples), sum(len(sample.texts) for sample in samples)):
            raise InferenceError(message)
        stream = inference.calibrate_general([sample.wire() for sample in samples])
        fitted = follow(calibration, stream, say)
        touched.extend(_store(calibration, samples, fitted))
        return bool(touched)

    carry_out(calibration, inference, work)
    return touched


def _store(calibration: Calibration, samples: Sequence[Marked], fitted: Fitted) -> list[int]:
    with calibration.all_or_none():
        # The exams before the calibration's row (see scoring/models/locks.py): a definition without
        # one of the questions, loaded at the same time, deletes the examples of its answers.
        for exam in sorted({sample.question.exam_id for sample in samples}):
            locks.share_exam(exam)
        store(calibration, [text for sample in samples for text in sample.texts], fitted)
        return promote_if_better(calibration)


def promote_if_better(calibration: Calibration) -> list[int]:
    """Promote it if it is better than no calibration at all on questions that were left out.

    If it is not, but the present one was made under other weights and can mark nothing more, none
    is in use from then on. Returns the keys of the questions whose answers wait.
    """
    if is_better(calibration):
        return promote(calibration, None, Kind.AUTOMATIC)
    present = promotion.general()
    if present is not None and present.model != calibration.model:
        return _put_to_use(None, Kind.AUTOMATIC, None)
    return []


def is_better(calibration: Calibration) -> bool:
    """Whether it beats the uncalibrated method on texts of questions that it was not fitted to.

    Its error (RMSE) must be smaller, and its correlation with people's points no worse. The error
    alone would also favour marks that all lie near the mean.
    """
    new, plain = calibration.metrics, calibration.metrics["uncalibrated"]
    is_nearer = new["rmse"] < plain["rmse"]
    return bool(is_nearer and (new["r"] or 0.0) >= (plain["r"] or 0.0))


def promote(
    calibration: Calibration, user: "User | None" = None, kind: str = Kind.MANUAL
) -> list[int]:
    """Let it mark questions without their own calibration from now on, where results may change.

    Returns the keys of the questions whose answers wait. Raises WrongState where it cannot be used.
    """
    words = {"calibration": calibration, "status": calibration.get_status_display()}
    if not calibration.is_general:
        raise WrongState(_("%(calibration)s is that of a question") % words)
    if calibration.status != Calibration.Status.READY:
        raise WrongState(_("%(calibration)s is %(status)s") % words)
    if promotion.general() == calibration:
        raise WrongState(_("%(calibration)s is in use already") % words)
    return _put_to_use(calibration, kind, user)


def roll_back(user: "User | None" = None) -> list[int]:
    """Go back to the general calibration before the present one, or to none; see `promote`."""
    if promotion.general() is None:
        raise WrongState(_("no general calibration is in use"))
    return _put_to_use(before(), Kind.ROLLBACK, user)


def before() -> Calibration | None:
    """The calibration that `roll_back` would go back to."""
    return promotion.previous(promotion.general_promotions())


@transaction.atomic
def _put_to_use(calibration: Calibration | None, kind: str, user: "User | None") -> list[int]:
    # Exams with fixed results are left out: their results and what marked them stay.
    Promotion.objects.create(calibration=calibration, kind=kind, promoted_by=user)
    exams = Exam.objects.filter(questions__in=_without_own()).distinct().order_by("pk")
    touched: list[int] = []
    for exam in exams:
        try:
            settlement.hold(exam)
        except WrongState:
            continue
        touched += _switch_questions(exam, calibration, user)
    return touched


def _switch_questions(
    exam: Exam, calibration: Calibration | None, user: "User | None"
) -> list[int]:
    """Switch the exam's questions to it, or to none; returns their keys."""
    keys = list(_without_own().filter(exam=exam).values_list("pk", flat=True))
    questions = [locks.lock_question(key) for key in keys]
    # A calibration of a question may have been promoted while its lock was waited for.
    without = [q for q in questions if q.calibration is None or q.calibration.is_general]
    # All answers at once: question by question is not the order in which others lock them.
    locks.lock_answers(Answer.objects.filter(question__in=without))
    for question in without:
        promotion.switch(question, calibration, Kind.GENERAL, user)
    return [question.pk for question in without]


def _without_own() -> "QuerySet[Question]":
    """Questions that a general calibration can mark, because they have none of their own."""
    questions = Question.objects.filter(sections=[]).order_by("pk")
    return questions.filter(calibration=None) | questions.filter(calibration__question=None)
