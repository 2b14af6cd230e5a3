"""Calibrating a question from its marks by people: requested, fitted by a worker, stored."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Mod
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.calibration import promotion
from scoring.contract.lengths import too_long
from scoring.inference import Fitted, Inference, InferenceError, InferenceUnavailable, Progress
from scoring.models import Answer, Artefact, Calibration, Example, Mark, Question, locks
from scoring.models.exams import number

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FEWEST = 30
MOST, MOST_BYTES = 4000, 12 * 1024 * 1024
"""The limits of POST /v1/calibrate under the service's default settings."""
MOST_FOREIGN, LONGEST_FOREIGN = 200, 2000
"""Texts, and the characters of each of them, that tell a calibration of other questions."""
BEAT_SECONDS = 1.0
LONGEST_STAGE = 40
Say = Callable[[str, float], None]
Key = TypeVar("Key", str, tuple[str, int])


class TooFewMarks(WrongState):
    """People have not marked enough for a calibration yet."""


@dataclass(frozen=True)
class Marked:
    """An answer with its final points by people, and points by criterion where there are any."""

    answer: int
    text_key: str
    text: str
    points: float
    criteria: dict[str, float]


@dataclass(frozen=True)
class Text:
    """Answers whose texts are the same after folding: one example."""

    answers: Sequence[Marked]

    @property
    def points(self) -> float:
        """The mode of the points; of several modes the nearest to the mean, then the lowest."""
        counts = Counter(answer.points for answer in self.answers)
        mean = sum(answer.points for answer in self.answers) / counts.total()
        most = max(counts.values())
        modes = [points for points, count in counts.items() if count == most]
        return min(modes, key=lambda points: (abs(points - mean), points))

    def wire(self) -> dict[str, Any]:
        """The example for the service, with criteria where an answer with these points has any."""
        example: dict[str, Any] = {"text": self.answers[0].text, "points": number(self.points)}
        candidates = (a.criteria for a in self.answers if a.points == self.points)
        if criteria := next(filter(None, candidates), None):
            example["criteria"] = {code: number(points) for code, points in criteria.items()}
        return example


def request(question: Question, user: "User | None" = None) -> Calibration:
    """Create a calibration that waits for a worker.

    Raises TooFewMarks, or WrongState where the exam is fixed or a calibration is under way.
    """
    if question.exam.frozen:
        raise WrongState(question.exam.state_message)
    if message := lacking(*marked_texts(question)):
        raise TooFewMarks(message)
    # Of two requests at once the second violates the constraint `one_fit_at_a_time`.
    try:
        with transaction.atomic():
            return Calibration.objects.create(
                question=question, definition=question.digest, requested_by=user
            )
    except IntegrityError as error:
        raise WrongState(_("A calibration of %s is under way.") % question) from error


def renew(question: Question) -> Calibration | None:
    """Request a calibration under the weights that the service has now.

    None where one is under way, or where its marks have been deleted.
    """
    try:
        return request(question)
    except WrongState:
        return None


def lacking(texts: int, different: int) -> str:
    """Say what is missing for a calibration; "" where nothing is.

    `texts` counts the different texts that people have marked, `different` their different points.
    """
    if texts < FEWEST:
        message = _("People have marked %(count)d different texts; %(fewest)d are needed.")
        return message % {"count": texts, "fewest": FEWEST}
    if different < 2:
        return _("All marks give the same points; there is nothing to be told apart.")
    return ""


def marked_texts(question: Question) -> tuple[int, int]:
    """How many different texts people have marked, and with how many different points."""
    counts = _answers(question).aggregate(
        texts=Count("text_key", distinct=True), different=Count("final_points", distinct=True)
    )
    return counts["texts"], counts["different"]


def texts_of(question: Question) -> list[Text]:
    """The marked texts, each once, in order of arrival; a sample where there are very many.

    Texts that came before the question had its limit, and are longer, are left out.
    """
    by_key: dict[str, list[Marked]] = {}
    for answer in _marked(question):
        by_key.setdefault(answer.text_key, []).append(answer)
    wire = question.wire()
    by_key = {key: same for key, same in by_key.items() if not too_long(same[0].text, wire)}
    chosen = sampled({key: answers[0].text for key, answers in by_key.items()})
    return [Text(answers) for key, answers in by_key.items() if key in chosen]


def sampled(texts: Mapping[Key, str]) -> set[Key]:
    """The keys of as many texts as the service takes, lowest first.

    Keys begin with a hash, so this is a random sample, and later calibrations draw the same one.
    """
    keys = sorted(texts)[:MOST]
    sizes = accumulate(len(texts[key].encode()) for key in keys)
    return {key for key, size in zip(keys, sizes, strict=True) if size <= MOST_BYTES}


def foreign_texts(question: Question) -> list[str]:
    """Right answers to the exam's other questions, which are worth nothing at this one."""
    others = Question.objects.filter(exam=question.exam_id).exclude(pk=question.pk).order_by("pk")
    texts = [
        text
        for other in others.prefetch_related("model_answers", "criteria")
        for text in (
            *(answer.text for answer in other.model_answers.all()),
            *(text for criterion in other.criteria.all() for text in criterion.references),
        )
    ]
    return list(dict.fromkeys(text[:LONGEST_FOREIGN] for text in texts if text))[:MOST_FOREIGN]


def _marked(question: Question) -> Iterator[Marked]:
    """Answers with a final mark by people that is possible under the present definition."""
    criteria = _criteria(question)
    rows = _answers(question).only("pk", "text", "text_key", "final_points")
    for answer in rows.order_by("pk").iterator(2000):
        points = float(answer.final_points or 0)
        by_code = criteria.get(answer.pk, {})
        total = min(sum(by_code.values()), float(question.max_points))
        yield Marked(
            answer.pk, answer.text_key, answer.text, points, by_code if total == points else {}
        )


def _answers(question: Question) -> "QuerySet[Answer]":
    return Answer.objects.annotate(off=Mod("final_points", question.step)).filter(
        question=question,
        final_source__in=Mark.PEOPLE,
        final_points__lte=question.max_points,
        off=0,
    )


def _criteria(question: Question) -> dict[int, dict[str, float]]:
    """By answer: the points by code of its newest standing mark by people with all criteria."""
    most = {criterion.code: float(criterion.points) for criterion in question.criteria.all()}
    settling = Mark.objects.filter(
        answer__question=question,
        answer__final_source=F("source"),
        answer__final_points=F("points"),
    )
    marks = settling.by_people().standing().order_by("pk")
    by_answer = {}
    for answer, criteria in marks.values_list("answer_id", "criteria").iterator(2000):
        points = {criterion["code"]: float(criterion["points"]) for criterion in criteria}
        if points.keys() == most.keys() and all(points[code] <= most[code] for code in most):
            by_answer[answer] = points
    return by_answer


def fit(calibration: Calibration, inference: Inference, say: Say = lambda *_: None) -> bool:
    """Fit a waiting calibration, and promote it if it is better; returns whether it was promoted.

    It ends ready, failed with its reason, or waiting again. `say` is called with the stage and the
    fraction, which are also written to the row. Raises WrongState when another worker has it, and
    InferenceUnavailable after putting it back.
    """
    question = Question.objects.select_related("exam").get(pk=calibration.own.pk)

    def work() -> bool:
        texts = texts_of(question)
        _refuse_changed(calibration, question, texts)
        examples = [text.wire() for text in texts]
        stream = inference.calibrate(question.wire(), examples, foreign_texts(question))
        fitted = follow(calibration, stream, say)
        return _store(calibration, texts, fitted)

    return carry_out(calibration, inference, work)


def carry_out(calibration: Calibration, inference: Inference, work: Callable[[], bool]) -> bool:
    """Claim the calibration and do the work, which stores the outcome; returns its result.

    Otherwise the calibration has failed with its reason, or waits again. Raises as `fit` does.
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
        # Such as the SystemExit of a worker that is being stopped: another claims it at once.
        _put_back(calibration, _("the worker stopped: %s") % type(error).__name__)
        raise


def _put_back(calibration: Calibration, reason: str) -> None:
    """A fit without a stage had not begun: the service was away."""
    calibration.put_back(reason, begun=bool(calibration.stage))


def _refuse_changed(calibration: Calibration, question: Question, texts: Sequence[Text]) -> None:
    if calibration.definition != question.digest:
        raise InferenceError(_("The question has changed; ask for a new calibration."))
    if question.exam.frozen:
        raise InferenceError(f"{question.exam.code} is {question.exam.status}")
    if message := lacking(len(texts), len({text.points for text in texts})):
        raise InferenceError(message)


def follow(
    calibration: Calibration, lines: Generator[Progress | Fitted, None, None], say: Say
) -> Fitted:
    """Read the service's stream to its result, passing progress on to the row and to `say`."""
    last = -BEAT_SECONDS
    with closing(lines) as stream:
        for line in stream:
            if isinstance(line, Fitted):
                return line
            if monotonic() - last >= BEAT_SECONDS or line.stage != calibration.stage:
                calibration.beat(stage=line.stage[:LONGEST_STAGE], fraction=line.fraction)
                last = monotonic()
            say(line.stage, line.fraction)
    raise InferenceUnavailable(_("the calibration broke off"))


def _store(calibration: Calibration, texts: Sequence[Text], fitted: Fitted) -> bool:
    """Store the outcome and promote it if it is better, all or nothing; whether it was promoted."""
    with calibration.all_or_none():
        # The exam before the calibration's row (see scoring/models/locks.py): a definition without
        # this question is loaded at the same time under the exam's lock, and deletes the row.
        locks.share_exam(calibration.own.exam_id)
        store(calibration, texts, fitted)
        return promotion.promote_if_better(calibration) is not None


def store(calibration: Calibration, texts: Sequence[Text], fitted: Fitted) -> None:
    """Store the artefact, the metrics and the prediction of each answer; needs a transaction."""
    metrics = {**fitted.metrics}
    predicted = metrics.pop("out_of_fold")
    metrics.pop("out_of_fold_criteria", None)
    if len(predicted) != len(texts):
        raise InferenceError(f"{len(predicted)} predictions came of {len(texts)} examples")
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
        for text, (points, confidence) in zip(texts, predicted, strict=True)
        for answer in text.answers
    )
    calibration.finish(sha256=fitted.sha256, model=calibration.model, metrics=metrics)


def release_stalled() -> int:
    """Put fits of workers that went quiet back, or fail them; returns how many there were."""
    return Calibration.objects.release_stalled(timedelta(seconds=settings.SCORING_STALLED_SECONDS))
