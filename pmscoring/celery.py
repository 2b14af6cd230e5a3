"""The Celery application; the request id travels in the message headers, and beat shows life."""

import logging
import os
import time
from typing import Any

import redis
from celery import Celery, Task
from celery.exceptions import Ignore
from celery.signals import (
    after_task_publish,
    beat_init,
    before_task_publish,
    setup_logging,
    task_postrun,
    task_prerun,
)

from pmscoring.base import connecting, hold
from pmscoring.base.request_id import new_request_id, request_id

BEAT_KEY = "pmscoring:beat"
BEAT_EXPIRES_SECONDS = 30
HOLDS_OTHERS = "opsconsole."
"""The tasks that restore, and so must run while all others are held."""
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
# Celery's command copies BROKER_URL there, and it would win over the settings, which know more: the
# password may be in a file. What `celery --broker` names still wins.
if os.environ.get("CELERY_BROKER_URL") == os.environ.get("BROKER_URL"):
    os.environ.pop("CELERY_BROKER_URL", None)
log = logging.getLogger(__name__)


class HeldTask(Task):  # type: ignore[type-arg]  # generic in the stubs alone
    """A task that does nothing while the application is held.

    Its message is dropped: it was only a nudge to look at rows, and the next sweep sends another.
    """

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it; Ignore, which is no failure, where a worker gets it during a hold."""
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        if not self.name.startswith(HOLDS_OTHERS) and hold.is_held():
            log.info("held, and left to the next sweep: %s", self.name)
            raise Ignore
        # Not super(), which would begin another request, of a direct call.
        return self.run(*args, **kwargs)


app = Celery("pmscoring", task_cls=HeldTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Django has configured the logs; Celery leaves them alone."""


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    """The sender's request id goes with the task."""
    headers["request_id"] = request_id.get() or new_request_id()


@task_prerun.connect
def take_request_id(task: Any, **_: Any) -> None:
    """The task logs under the id of the request that caused it."""
    request_id.set(new_request_id(getattr(task.request, "request_id", None) or ""))


@task_postrun.connect
def leave_request_id(**_: Any) -> None:
    """What the worker does between tasks is done in nobody's name."""
    request_id.set("")


@beat_init.connect
def show_life(**_: Any) -> None:
    """From now on this process, beat's, leaves a sign in Redis whenever it has sent a task."""
    client = connecting.cache(socket_timeout=1.0, socket_connect_timeout=1.0)

    def sent(**_: Any) -> None:
        try:
            client.set(BEAT_KEY, int(time.time()), ex=BEAT_EXPIRES_SECONDS)
        except redis.RedisError as error:
            log.warning("beat cannot show that it lives: %s", type(error).__name__)

    after_task_publish.connect(sent, weak=False)
