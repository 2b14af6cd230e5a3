"""Celery tasks of the queue `ops`. A message is only a nudge to look at the rows."""

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from opsconsole.backups import recovery, restore
from opsconsole.gateways import published
from opsconsole.models import Event, Restore
from opsconsole.models.deeds import DEEDS, Told
from opsconsole.notices import telling
from pmscoring.base import heartbeats
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.nudges import nudge
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)


@shared_task
def sweep() -> None:
    """Release stalled work, request what plans are due, and send a task for all that waits."""
    published.publish()
    nudge(tell)
    nudge(sweep_restores)


@shared_task(throws=restore.FAILURES)
def sweep_restores() -> None:
    """Finish or undo what a killed worker left, and send a task for each restore that waits."""
    for sentence in recovery.recover():
        log.warning(sentence)
    Restore.objects.release_stalled(timedelta(seconds=settings.BACKUP_STALLED_SECONDS))
    for key in Restore.objects.waiting().values_list("pk", flat=True):
        nudge(run_restore, key)


@shared_task(throws=(WrongState, Busy, Refused, *restore.FAILURES))
def run_restore(key: int) -> None:
    """Do the restore, unless another worker has it: WrongState."""
    restore.run(Restore.objects.get(pk=key), lambda fraction, note: log.info("restore: %s", note))


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
