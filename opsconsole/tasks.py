"""Celery tasks of the queue `ops`. A message is only a nudge to look at the rows."""

from celery import shared_task

from opsconsole.gateways import published


@shared_task
def sweep() -> None:
    """Release stalled work, request what plans are due, and send a task for all that waits."""
    published.publish()
