"""Thin Celery tasks: a message is only a nudge, the rows are the truth."""

from collections.abc import Iterable
from functools import cache, partial

from celery import shared_task

from pmscoring.base import nudges, published_load
from pmscoring.base.lifecycle import WrongState
from scoring.calibration import fitting, general
from scoring.exams import retention
from scoring.inference import Inference, InferenceError, InferenceUnavailable, OtherEncoder
from scoring.intake import submissions, uploads
from scoring.machine import batches, load
from scoring.models import Calibration, Question, Upload
from scoring.review import groups, queue


@cache
def inference() -> Inference:
    """This process's client."""
    return Inference.from_settings()


@shared_task(throws=(InferenceUnavailable,))
def score_waiting(question_id: int) -> int:
    """Score what waits; when the service is away the sweep comes back to it."""
    question = Question.objects.filter(pk=question_id).select_related("exam").first()
    if question is None:
        return 0
    try:
        return batches.score_waiting(question, inference())
    except OtherEncoder:
        by_general = general.marks(question)
        nudge_calibration(general.renew() if by_general else fitting.renew(question))
        return 0


@shared_task(throws=(InferenceUnavailable, WrongState))
def fit_calibration(calibration_id: int) -> None:
    """Fit a calibration, unless another worker does or did; where it is better, score anew."""
    calibration = Calibration.objects.filter(pk=calibration_id).first()
    if calibration is None:
        return
    if calibration.question_id is None:
        nudge(general.fit(calibration, inference()))
    elif fitting.fit(calibration, inference()):
        nudge([calibration.question_id])


@shared_task(throws=(InferenceError,))
def regroup(question_id: int, distance: float = groups.DISTANCE) -> None:
    """Find the groups of like answers anew."""
    question = Question.objects.filter(pk=question_id).first()
    if question is None:
        return
    try:
        groups.regroup(question, inference(), distance, partial(groups.tell_progress, question))
    finally:
        groups.tell_progress(question, None)


@shared_task(throws=(WrongState,))
def read_upload(upload_id: int) -> None:
    """Read a file of answers, unless another worker does or did."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload:
        nudge(uploads.read(upload))


def nudge(question_ids: Iterable[int]) -> None:
    """After the commit, ask a worker to look; should the broker be away, the sweep looks anyway."""
    for question_id in sorted(set(question_ids)):
        nudges.nudge(score_waiting, question_id)


def nudge_upload(upload: Upload) -> None:
    """The same for a file to be read."""
    nudges.nudge(read_upload, upload.pk)


def nudge_calibration(calibration: Calibration | None) -> None:
    """The same for a calibration to be fitted."""
    if calibration:
        nudges.nudge(fit_calibration, calibration.pk)


def nudge_regroup(question: Question, distance: float = groups.DISTANCE) -> None:
    """The same for groups to be found; who lost the message asks again."""
    groups.tell_progress(question, 0.0)
    nudges.nudge(regroup, question.pk, distance)


@shared_task
def sweep() -> None:
    """Free what stalled and nudge everything that waits."""
    queue.release_expired()
    batches.release_stalled()
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
    """Idempotency keys are kept for a week."""
    submissions.forget_old_keys()


@shared_task
def publish_load() -> None:
    """Tell opsconsole the load, for a short while."""
    published_load.publish(load.measure())


@shared_task
def delete_due_answers() -> None:
    """Delete the answers of exams whose date has come."""
    retention.delete_due()
