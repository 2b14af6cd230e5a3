"""A question's marks by people become a calibration: asked for, fitted by a worker, kept."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from time import monotonic
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Mod
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import promotion
from scoring.inference import Fitted, Inference, InferenceError, InferenceUnavailable, Progress
from scoring.models import Answer, Artefact, Calibration, Example, Mark, Question, locks
from scoring.models.exams import number

FEWEST = 30
MOST, MOST_BYTES = 4000, 12 * 1024 * 1024
"""What a service with its own defaults takes at once."""
BEAT_SECONDS = 1.0
LONGEST_STAGE = 40
Say = Callable[[str, float], None]
Key = TypeVar("Key", str, tuple[str, int])


class TooFewMarks(WrongState):
    """People have not marked enough for a calibration yet."""


@dataclass(frozen=True)
class Marked:
    """An answer with people's final points, and points by criterion where they were given."""

    answer: int
    text_key: str
    text: str
    points: float
    criteria: dict[str, float]


@dataclass(frozen=True)
class Text:
    """Answers that fold to the same, as one example."""

    answers: Sequence[Marked]

    @property
    def points(self) -> float:
        """What people gave it most often; of several such the nearest to their mean, the lower."""
        given = Counter(one.points for one in self.answers)
        most, mean = max(given.values()), sum(one.points for one in self.answers) / given.total()
        often = [points for points, times in given.items() if times == most]
        return min(often, key=lambda points: (abs(points - mean), points))

    def wire(self) -> dict[str, Any]:
        """As the service reads it; with criteria where one of its answers has these points."""
        told: dict[str, Any] = {"text": self.answers[0].text, "points": number(self.points)}
        found = (one.criteria for one in self.answers if one.points == self.points)
        if criteria := next(filter(None, found), None):
            told["criteria"] = {code: number(points) for code, points in criteria.items()}
        return told


def ask(question: Question, user: Any = None) -> Calibration:
    """A calibration that waits for a worker.

    Raises TooFewMarks, or WrongState where the exam is fixed or one is under way.
    """
    if question.exam.frozen:
        raise WrongState(question.exam.state_message)
    if told := lacking(*marked_texts(question)):
        raise TooFewMarks(told)
    try:
        with transaction.atomic():
            return Calibration.objects.create(
                question=question, definition=question.digest, requested_by=user
            )
    except IntegrityError as error:
        raise WrongState(_("A calibration of %s is under way.") % question) from error


def renew(question: Question) -> Calibration | None:
    """A calibration under the weights that the service has now, where one can be had.

    None where one is under way, or what it would be made of has gone.
    """
    try:
        return ask(question)
    except WrongState:
        return None


def lacking(texts: int, different: int) -> str:
    """What is missing for a calibration of so many texts with so many different points, in words;
    empty where nothing is.
    """
    if texts < FEWEST:
        told = _("People have marked %(count)d different texts; %(fewest)d are needed.")
        return told % {"count": texts, "fewest": FEWEST}
    if different < 2:
        return _("All marks give the same points; there is nothing to be told apart.")
    return ""


def marked_texts(question: Question) -> tuple[int, int]:
    """How many different texts people have marked, and with how many different points."""
    found = _answers(question).aggregate(
        texts=Count("text_key", distinct=True), different=Count("final_points", distinct=True)
    )
    return found["texts"], found["different"]


def texts_of(question: Question) -> list[Text]:
    """The marked texts in the order in which they came in, each once; of very many a draw."""
    by_key: dict[str, list[Marked]] = {}
    for one in _marked(question):
        by_key.setdefault(one.text_key, []).append(one)
    chosen = drawn({key: answers[0].text for key, answers in by_key.items()})
    return [Text(answers) for key, answers in by_key.items() if key in chosen]


def drawn(texts: Mapping[Key, str]) -> set[Key]:
    """As many as the service takes, by the order of their keys, which begin with a hash: a random
    draw that later calibrations repeat.
    """
    keys = sorted(texts)[:MOST]
    sizes = accumulate(len(texts[key].encode()) for key in keys)
    return {key for key, size in zip(keys, sizes, strict=True) if size <= MOST_BYTES}


def _marked(question: Question) -> Iterator[Marked]:
    """Answers whose final mark is people's, and that the question as it now is could earn."""
    criteria = _criteria(question)
    rows = _answers(question).only("pk", "text", "text_key", "final_points")
    for answer in rows.order_by("pk").iterator(2000):
        points = float(answer.final_points or 0)
        by_code = criteria.get(answer.pk, {})
        total = min(sum(by_code.values()), float(question.max_points))
        told = by_code if total == points else {}
        yield Marked(answer.pk, answer.text_key, answer.text, points, told)


def _answers(question: Question) -> "QuerySet[Answer]":
    return Answer.objects.annotate(off=Mod("final_points", question.step)).filter(
        question=question,
        final_source__in=Mark.PEOPLE,
        final_points__lte=question.max_points,
        off=0,
    )


def _criteria(question: Question) -> dict[int, dict[str, float]]:
    """Points by code of the newest mark by people that stands and names all criteria."""
    most = {one.code: float(one.points) for one in question.criteria.all()}
    settling = Mark.objects.filter(
        answer__question=question,
        answer__final_source=F("source"),
        answer__final_points=F("points"),
    )
    marks = settling.by_people().standing().order_by("pk")
    found = {}
    for key, criteria in marks.values_list("answer_id", "criteria").iterator(2000):
        told = {one["code"]: float(one["points"]) for one in criteria}
        if told.keys() == most.keys() and all(told[code] <= most[code] for code in most):
            found[key] = told
    return found


def fit(calibration: Calibration, inference: Inference, say: Say = lambda *_: None) -> bool:
    """Fit a waiting calibration, and promote it where it is better; whether it was promoted.

    It ends ready, failed with its reason, or waiting again. `say` hears stage and fraction, which
    the row tells others too. Raises WrongState when another worker has it, and
    InferenceUnavailable after putting it back.
    """
    question = Question.objects.select_related("exam").get(pk=calibration.own.pk)

    def work() -> bool:
        found = texts_of(question)
        _refuse_changed(calibration, question, found)
        stream = inference.calibrate(question.wire(), [one.wire() for one in found])
        fitted = followed(calibration, stream, say)
        return _keep(calibration, found, fitted)

    return carry_out(calibration, inference, work)


def carry_out(calibration: Calibration, inference: Inference, work: Callable[[], bool]) -> bool:
    """Claim it, do the work and tell what came of it: ready, failed with its reason, or waiting.

    Raises as `fit` does.
    """
    calibration.claim(fraction=0.0, stage="")
    try:
        calibration.model = inference.info()["model"]
        return work()
    except InferenceUnavailable as error:
        _put_back(calibration, str(error))
        raise
    except InferenceError as error:
        calibration.fail(str(error))
        return False
    except BaseException as error:
        # As a worker that is told to stop: another takes it up at once.
        _put_back(calibration, _("the worker stopped: %s") % type(error).__name__)
        raise


def _put_back(calibration: Calibration, reason: str) -> None:
    """A fit whose service was away told no stage, and was not begun."""
    calibration.put_back(reason, begun=bool(calibration.stage))


def _refuse_changed(calibration: Calibration, question: Question, found: Sequence[Text]) -> None:
    if calibration.definition != question.digest:
        raise InferenceError(_("The question has changed; ask for a new calibration."))
    if question.exam.frozen:
        raise InferenceError(f"{question.exam.code} is {question.exam.status}")
    if told := lacking(len(found), len({one.points for one in found})):
        raise InferenceError(told)


def followed(
    calibration: Calibration, lines: Generator[Progress | Fitted, None, None], say: Say
) -> Fitted:
    """What comes last in the stream; the row and `say` hear how far it is."""
    last = -BEAT_SECONDS
    with closing(lines) as stream:
        for told in stream:
            if isinstance(told, Fitted):
                return told
            if monotonic() - last >= BEAT_SECONDS or told.stage != calibration.stage:
                calibration.beat(stage=told.stage[:LONGEST_STAGE], fraction=told.fraction)
                last = monotonic()
            say(told.stage, told.fraction)
    raise InferenceUnavailable(_("the calibration broke off"))


def _keep(calibration: Calibration, found: Sequence[Text], fitted: Fitted) -> bool:
    """All that came of it and what follows, or none of it; whether it was promoted."""
    with calibration.all_or_none():
        # Before the calibration's row, as whoever loads a definition without this question has its
        # exam, and then deletes the calibration.
        locks.share_exam(calibration.own.exam_id)
        keep(calibration, found, fitted)
        return promotion.consider(calibration) is not None


def keep(calibration: Calibration, found: Sequence[Text], fitted: Fitted) -> None:
    """The artefact, what was measured, and what was predicted of each answer; in a transaction."""
    metrics = {**fitted.metrics}
    predicted = metrics.pop("out_of_fold")
    metrics.pop("out_of_fold_criteria", None)
    if len(predicted) != len(found):
        raise InferenceError(f"{len(predicted)} predictions came of {len(found)} examples")
    calibration.beat(stage="", fraction=1.0)
    Artefact.objects.update_or_create(
        calibration=calibration, defaults={"content": fitted.artefact}
    )
    Example.objects.bulk_create(
        Example(
            calibration=calibration,
            answer_id=answer.answer,
            points=answer.points,
            predicted=points,
            confidence=confidence,
        )
        for text, (points, confidence) in zip(found, predicted, strict=True)
        for answer in text.answers
    )
    calibration.finish(sha256=fitted.sha256, model=calibration.model, metrics=metrics)


def release_stalled() -> int:
    """Fits of workers that went quiet wait again, a few times; how many."""
    return Calibration.objects.release_stalled(timedelta(seconds=settings.SCORING_STALLED_SECONDS))
