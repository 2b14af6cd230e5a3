"""Celery tasks. A message is only a nudge to look at the rows, so losing it loses no work."""

from collections.abc import Iterable
from functools import cache, partial

from celery import shared_task

from pmscoring.base import nudges, published_load
from pmscoring.base.lifecycle import WrongState
from scoring.calibration import fitting, general
from scoring.exams import held, refolding, retention
from scoring.inference import Inference, InferenceError, InferenceUnavailable, OtherEncoder
from scoring.intake import submissions, uploads
from scoring.machine import batches, lanes, load
from scoring.models import Calibration, Question, Upload
from scoring.review import groups, queue

TURN_SECONDS = 5.0
"""After them no further batch is begun in the same turn."""


@cache
def inference() -> Inference:
    """The client of the inference service, one for each process."""
    return Inference.from_settings()


@shared_task(throws=(InferenceUnavailable,))
def score_waiting(question_id: int, lane: int = 0) -> int:
    """Score the question's waiting answers; while the service is down, the sweep tries again.

    A long queue is scored in turns on several lanes, and each turn asks for the next ones. Between
    turns a worker that is told to end does so, and what else waits for it is done, such as
    publishing the load.
    """
    lanes.take_up(question_id, lane)
    question = Question.objects.filter(pk=question_id).select_related("exam").first()
    if question is None:
        return 0
    _open_lanes(question, beside=1)
    try:
        scored = batches.score_waiting(question, inference(), seconds=TURN_SECONDS)
    except OtherEncoder:
        by_general = general.marks(question)
        nudge_calibration(general.renew() if by_general else fitting.renew(question))
        return 0
    _open_lanes(question)
    return scored


def _open_lanes(question: Question, beside: int = 0) -> None:
    """Nudge workers to score what waits of the question, beside so many batches."""
    for lane in lanes.open_for(question.pk, batches.waiting(question) - beside):
        nudges.nudge(score_waiting, question.pk, lane)


@shared_task(throws=(InferenceUnavailable, WrongState))
def fit_calibration(calibration_id: int) -> None:
    """Fit a calibration; where it is promoted, nudge workers to score its questions again.

    Two workers may get the same message: claiming changes the row's state by one UPDATE, and the
    second gets WrongState.
    """
    calibration = Calibration.objects.filter(pk=calibration_id).first()
    if calibration is None:
        return
    if calibration.question_id is None:
        nudge(general.fit(calibration, inference()))
    elif fitting.fit(calibration, inference()):
        nudge([calibration.question_id])


@shared_task
def refold(question_id: int) -> None:
    """Fold the question's texts by the present rules, and nudge workers to score them again."""
    question = Question.objects.filter(pk=question_id).first()
    if question and refolding.renew(question):
        nudge([question_id])


@shared_task(throws=(InferenceError,))
def regroup(question_id: int, distance: float = groups.DISTANCE) -> None:
    """Compute the question's groups of like answers again."""
    question = Question.objects.filter(pk=question_id).first()
    if question is None:
        return
    try:
        groups.regroup(question, inference(), distance, partial(groups.set_progress, question))
    finally:
        groups.set_progress(question, None)


@shared_task(throws=(WrongState,))
def read_upload(upload_id: int) -> None:
    """Read a file of answers; of two workers with the same message one gets WrongState."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload:
        nudge(uploads.read(upload))


def nudge(question_ids: Iterable[int]) -> None:
    """After the commit, ask workers to score these questions; the sweep repeats a lost nudge."""
    for question_id in sorted(set(question_ids)):
        nudges.nudge(score_waiting, question_id)


def nudge_upload(upload: Upload) -> None:
    """Like `nudge`, to read a file."""
    nudges.nudge(read_upload, upload.pk)


def nudge_calibration(calibration: Calibration | None) -> None:
    """Like `nudge`, to fit a calibration."""
    if calibration:
        nudges.nudge(fit_calibration, calibration.pk)


def nudge_regroup(question: Question, distance: float = groups.DISTANCE) -> None:
    """Like `nudge`, to compute groups; no sweep makes up for it, the manager asks again."""
    groups.set_progress(question, 0.0)
    nudges.nudge(regroup, question.pk, distance)


@shared_task
def sweep() -> None:
    """Release stalled claims and leases, and send a task for everything that waits."""
    queue.release_expired()
    batches.release_stalled()
    for question_id in refolding.outdated().values_list("pk", flat=True):
        refold.delay(question_id)
    for question_id in batches.questions_waiting():
        score_waiting.delay(question_id)
    fitting.release_stalled()
    for calibration_id in Calibration.objects.waiting().order_by("pk").values_list("pk", flat=True):
        fit_calibration.delay(calibration_id)
    uploads.release_stalled()
    for upload_id in Upload.objects.waiting().order_by("pk").values_list("pk", flat=True):
        read_upload.delay(upload_id)


@shared_task
def forget_old_keys() -> None:
    """Delete idempotency keys that are older than a week."""
    submissions.forget_old_keys()


@shared_task
def publish_load() -> None:
    """Publish the load to Redis, where opsconsole reads it until it expires."""
    published_load.publish(load.measure() | held.coming())


@shared_task
def delete_due_answers() -> None:
    """Delete the answers of exams whose date for that has come."""
    retention.delete_due()
