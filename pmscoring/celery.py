"""The Celery application; the request id travels in the message headers."""

import os
from typing import Any

from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_prerun

from pmscoring.requestid import new_request_id, request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
app = Celery("pmscoring")
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
