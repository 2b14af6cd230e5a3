"""Beat's scheduler: that of the database, but it touches none while the application is held."""

import logging
import time
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler
from kombu.exceptions import OperationalError

from pmscoring.base import hold

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0
RECOVER_SECONDS = 10.0
RECOVER = ("opsconsole.tasks.recover_restores", "opsconsole.tasks.sweep_deployments")


class HeldScheduler(DatabaseScheduler):
    """While held it only asks whether the restore, or the deployment, that holds has died."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As Celery calls it."""
        self.asked_at = 0.0
        super().__init__(*args, **kwargs)

    def tick(self, *args: object, **kwargs: object) -> float:
        """Send what is due; returns the seconds until the next look."""
        if hold.is_held():
            self.ask_to_recover()
            return LOOK_SECONDS
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def ask_to_recover(self) -> None:
        """A restore under way has a lock, and a deployment a lease: they are left alone."""
        if time.monotonic() - self.asked_at < RECOVER_SECONDS:
            return
        self.asked_at = time.monotonic()
        try:
            for task in RECOVER:
                self.app.send_task(task, queue="ops", expires=RECOVER_SECONDS, retry=False)
        except OperationalError as error:
            log.warning("the broker is away: %s", error)
