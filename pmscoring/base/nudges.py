"""Nudges: Celery messages that only say "look at the rows". Losing one loses nothing."""

import logging
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def nudge(task: "Task[Any, Any]", *args: Any) -> None:
    """Send the task once the present transaction is committed.

    Sent earlier, a worker could look before the row can be seen. A broker that is away is no error:
    the row waits, and the sweep that beat sends finds it.
    """

    def send() -> None:
        try:
            task.apply_async(args, retry=False)
        except OperationalError as error:
            log.warning("the broker is away: %s", error)

    transaction.on_commit(send)
