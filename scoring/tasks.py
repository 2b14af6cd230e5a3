"""Thin Celery tasks: a message is only a nudge, the rows are the truth."""

import json
import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

import redis
from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from pmscoring.lifecycle import WrongState
from pmscoring.metrics import LOAD_KEY
from scoring import intake, marking, retention, uploading
from scoring.inference import Inference, InferenceUnavailable
from scoring.models import Question, Upload

log = logging.getLogger(__name__)
LOAD_EXPIRES_SECONDS = 20


@cache
def inference() -> Inference:
    """This process's client."""
    return Inference.from_settings()


@cache
def store() -> "redis.Redis":
    """Where the load is published."""
    return redis.Redis.from_url(settings.CACHE_URL)


@shared_task(throws=(InferenceUnavailable,))
def score_waiting(question_id: int) -> int:
    """Score what waits; when the service is away the sweep comes back to it."""
    question = Question.objects.filter(pk=question_id).first()
    return marking.score_waiting(question, inference()) if question else 0


@shared_task(throws=(WrongState,))
def read_upload(upload_id: int) -> None:
    """Read a file of answers, unless another worker does or did."""
    upload = Upload.objects.filter(pk=upload_id).first()
    if upload:
        nudge(uploading.read(upload))


def nudge(question_ids: Iterable[int]) -> None:
    """After the commit, ask a worker to look; should the broker be away, the sweep looks anyway."""
    _send(score_waiting, sorted(set(question_ids)))


def nudge_upload(upload: Upload) -> None:
    """The same for a file to be read."""
    _send(read_upload, [upload.pk])


def _send(task: Any, keys: Iterable[int]) -> None:
    def send() -> None:
        for key in keys:
            try:
                task.apply_async((key,), retry=False)
            except OperationalError as error:
                log.warning("the broker is away: %s", error)

    transaction.on_commit(send)


@shared_task
def sweep() -> None:
    """Free what stalled and nudge everything that waits."""
    marking.release_stalled()
    for question_id in marking.questions_waiting():
        score_waiting.delay(question_id)
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
    store().set(LOAD_KEY, json.dumps(marking.load()), ex=LOAD_EXPIRES_SECONDS)


@shared_task
def delete_due_answers() -> None:
    """Delete the answers of exams whose date has come."""
    retention.delete_due()
