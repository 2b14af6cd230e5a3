"""Celery tasks of the queue `ops`. A message is only a nudge to look at the rows."""

from typing import Any

from celery import shared_task

from opsconsole.gateways import published
from opsconsole.models import Event
from opsconsole.models.deeds import DEEDS, Told
from opsconsole.notices import telling
from pmscoring.base import heartbeats
from pmscoring.base.nudges import nudge


@shared_task
def sweep() -> None:
    """Release stalled work, request what plans are due, and send a task for all that waits."""
    published.publish()
    nudge(tell)


@shared_task
def heartbeat(queue: str) -> None:
    """Beat sends it to each queue, whatever else waits there."""
    heartbeats.beat(queue)


@shared_task
def tell() -> None:
    """Tell each channel what it is still to be told."""
    telling.tell_all()


def event_recorded(instance: Event, **_: Any) -> None:
    """Have channels told at once: what this process records may be told by another alone."""
    if DEEDS[instance.deed].told is not Told.NEVER:
        nudge(tell)
