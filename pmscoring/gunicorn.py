"""gunicorn's configuration, for `-c python:pmscoring.gunicorn`; see docs/configuration.md."""

import gc
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from pmscoring import draining
from pmscoring.base import env
from pmscoring.base.logs import LEVELS, logging_config

wsgi_app = "pmscoring.wsgi"
worker_class = "pmscoring.serving.worker.Worker"
# Of each process, with room below the 1,024 open files that a process often may have.
worker_connections = 512
sendfile = False  # A thread does not wait for who reads a file; see pmscoring/serving/sockets.py.
bind = env.text("WEB_BIND", "127.0.0.1:8000")
workers = env.integer("WEB_WORKERS", 2, least=1)
threads = env.integer("WEB_THREADS", 4, least=1)
timeout = env.integer("WEB_TIMEOUT", 120, least=0)
drain_seconds = env.number("WEB_DRAIN_SECONDS", 0.0)
control_socket_disable = True
# By default a caller on this machine could say with headers that it came over HTTPS, or under
# another path. NUM_PROXIES alone says which of a proxy's headers are believed.
forwarded_allow_ips = ""
# gunicorn's own lines are like all others; Django sets the same up again in each worker.
logconfig_dict = logging_config(env.choice("LOG_LEVEL", "INFO", LEVELS)) | {
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "propagate": False}}
}

# The folder in which the workers add up their counters. It must be this master's alone.
folder = Path(env.text("PROMETHEUS_MULTIPROC_DIR", "") or tempfile.mkdtemp(prefix="pmscoring-"))
# Before any worker imports prometheus_client, which looks once.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def on_starting(server: Any) -> None:
    """What an earlier start counted is not ours."""
    folder.mkdir(parents=True, exist_ok=True)
    wipe()


def when_ready(server: Any) -> None:
    """Its handlers of signals are in place, its workers not yet made."""
    if drain_seconds:
        draining.drain_first(drain_seconds)


def post_worker_init(server: Any) -> None:
    """Import what the first request would have waited for, and freeze it.

    What was imported lives as long as the worker: not for the collector to visit each time.
    """
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 - imports every view
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:
    """A worker's gauges go with it; its counters stay."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Leave nothing behind; a folder that holds anything else, or is a mount, stays."""
    wipe()
    with suppress(OSError):
        folder.rmdir()


def wipe() -> None:
    """Remove the counters, and no other file."""
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
