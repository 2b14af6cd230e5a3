"""The Celery workers: one that scores, more of its kind to scale up to, and that of the console."""

import socket
import sys
from collections.abc import Mapping

from pmscoring.base import env
from pmscoring.base.machine import most_workers
from pmscoring.embedded.folders import ROOT
from pmscoring.embedded.parts import Part, worker_answers

GRACE_SECONDS = 150
"""As WORKER_GRACE in containers: a batch may wait for an answer for INFERENCE_TIMEOUT."""
OPS_CONCURRENCY = 6
"""A backup, a verification, a drill and a worker that ends, and looks and turns beside them."""


def workers(environment: Mapping[str, str]) -> list[Part]:
    """`worker`, those that stand by (`worker-2` and so on), and `ops`.

    `ops` is apart because a backup may take an hour, in which `worker` goes on scoring.
    """
    broker = _broker(environment)
    names = ["worker", *(f"worker-{number}" for number in range(2, most_workers() + 1))]
    scoring = [_worker(name, "scoring,default", broker, standby=name != "worker") for name in names]
    return [*scoring, _worker("ops", "ops", broker, "-c", str(OPS_CONCURRENCY))]


def _broker(environment: Mapping[str, str]) -> str:
    default = environment.get("REDIS_URL") or env.text("REDIS_URL", "")
    password = env.text("BROKER_PASSWORD", "")
    return env.url("BROKER_URL", default, ("redis", "rediss"), password)


def _worker(name: str, queues: str, broker: str, *options: str, standby: bool = False) -> Part:
    node = f"{name}@{socket.gethostname()}"
    argv = [sys.executable, "-m", "celery", "-A", "pmscoring", "worker", "-Q", queues, "-n", node]
    return Part(
        name,
        [*argv, "--without-gossip", "--without-mingle", *options],
        rank=5,
        answers=lambda: worker_answers(broker, node),
        directory=ROOT,
        stop_seconds=GRACE_SECONDS,
        standby=standby,
    )
