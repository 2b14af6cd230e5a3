"""Thin Celery tasks: a message is only a nudge, the rows are the truth."""

from collections.abc import Iterable
from functools import cache, partial

from celery import shared_task

from pmscoring.base import load, nudges
from pmscoring.base.lifecycle import WrongState
from scoring import (
    calibrating,
    generalising,
    grouping,
    intake,
    marking,
    retention,
    reviewing,
    uploading,
)
from scoring.inference import Inference, InferenceError, InferenceUnavailable, OtherEncoder
from scoring.models import Calibration, Question, Upload


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
        return marking.score_waiting(question, inference())
    except OtherEncoder:
        by_general = generalising.marks(question)
        nudge_calibration(generalising.renew() if by_general else calibrating.renew(question))
        return 0


@shared_task(throws=(InferenceUnavailable, WrongState))
def fit_calibration(calibration_id: int) -> None:
    """Fit a calibration, unless another worker does or did; where it is better, score anew."""
    calibration = Calibration.objects.filter(pk=calibration_id).first()
    if calibration is None:
        return
    if calibration.question_id is None:
        nudge(generalising.fit(calibration, inference()))
    elif calibrating.fit(calibration, inference()):
        nudge([calibration.question_id])


@shared_task(throws=(InferenceError,))
def regroup(question_id: int, distance: float = grouping.DISTANCE) -> None:
    """Find the groups of like answers anew."""
    question = Question.objects.filter(pk=question_id).first()
    if question is None:
        return
    try:
        grouping.regroup(question, inference(), distance, partial(grouping.tell_progress, question))
    finally:
        grouping.tell_progress(question, None)


@shared_task(throws=(WrongState,))
def read_upload(upload_id: int) -> None:
    """Read a file of answers, unless another worker does or did."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload:
        nudge(uploading.read(upload))


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


def nudge_regroup(question: Question, distance: float = grouping.DISTANCE) -> None:
    """The same for groups to be found; who lost the message asks again."""
    grouping.tell_progress(question, 0.0)
    nudges.nudge(regroup, question.pk, distance)


@shared_task
def sweep() -> None:
    """Free what stalled and nudge everything that waits."""
    reviewing.release_expired()
    marking.release_stalled()
    for question_id in marking.questions_waiting():
        score_waiting.delay(question_id)
    calibrating.release_stalled()
    for calibration_id in Calibration.objects.waiting().order_by("pk").values_list("pk", flat=True):
        fit_calibration.delay(calibration_id)
    uploading.release_stalled()
    for upload_id in Upload.objects.waiting().order_by("pk").values_list("pk", flat=True):
        read_upload.delay(upload_id)


@shared_task
def forget_old_keys() -> None:
    """Idempotency keys are kept for a week."""
    intake.forget_old_keys()


@shared_task
def publish_load() -> None:
    """Tell opsconsole the load, for a short while."""
    load.publish(marking.load())


@shared_task
def delete_due_answers() -> None:
    """Delete the answers of exams whose date has come."""
    retention.delete_due()
