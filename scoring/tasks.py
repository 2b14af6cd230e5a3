"""Thin Celery tasks: a message is only a nudge, the rows are the truth."""

import json
import logging
from collections.abc import Iterable
from functools import cache

import redis
from celery import shared_task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from scoring import marking
from scoring.inference import Inference, InferenceUnavailable
from scoring.models import Question

log = logging.getLogger(__name__)
LOAD_KEY = "pmscoring:load"
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


def nudge(question_ids: Iterable[int]) -> None:
    """After the commit, ask a worker to look; should the broker be away, the sweep looks anyway."""

    def send() -> None:
        for question_id in sorted(set(question_ids)):
            try:
                score_waiting.apply_async((question_id,), retry=False)
            except OperationalError as error:
                log.warning("the broker is away: %s", error)

    transaction.on_commit(send)


@shared_task
def sweep() -> None:
    """Free what stalled and nudge every question that has something waiting."""
    marking.release_stalled()
    for question_id in marking.questions_waiting():
        score_waiting.delay(question_id)


@shared_task
def publish_load() -> None:
    """Tell opsconsole the load, for a short while."""
    store().set(LOAD_KEY, json.dumps(marking.load()), ex=LOAD_EXPIRES_SECONDS)
