"""Fifty small containers of one service, and how long it takes to sample them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opsconsole.engines.compose import Compose
from opsconsole.engines.layout import Layout
from opsconsole.models import Environment
from opsconsole.scaling.looks import Look, look
from tests.stack.engine import docker
from tests.stack.small_site import app_image

PROJECT = "sampling-fifty"
MANY = 50
BUSY = 'if [ "$$(hostname | tail -c 2)" = 0 ]; then while :; do :; done; fi; sleep 600'
FILE = f"""
services:
  web:
    image: {{image}}
    entrypoint: [sh, -c]
    command: ['{BUSY}']
    init: true
    restart: unless-stopped
    stop_grace_period: 0s
    network_mode: none
    healthcheck: {{{{disable: true}}}}
    labels: {{{{pmscoring.project: {PROJECT}}}}}
    deploy:
      replicas: {MANY}
      resources: {{{{limits: {{{{memory: 32M, cpus: "0.05"}}}}}}}}
"""


@contextmanager
def fifty(folder: Path) -> Iterator[Compose]:
    """The containers, with a limit of a twentieth of a CPU; a few of them want more."""
    (folder / "compose.yaml").write_text(FILE.format(image=app_image()))
    words = ["compose", f"--project-name={PROJECT}", f"--project-directory={folder}"]
    try:
        docker(*words, "up", "--detach", "--quiet-pull", timeout=300)
        yield Compose(Layout("an-id", PROJECT, folder))
    finally:
        docker(*words, "down", "--timeout=0", "--volumes", timeout=300)


def seen(engine: Compose) -> Look:
    """A look at all of them, as a turn of the autoscaler takes it."""
    return look(Environment(code="fifty", project=PROJECT), engine, datetime.now(UTC))


def seconds_of_looks(engine: Compose, count: int) -> list[float]:
    """Of each of so many looks; what only the first one does is done before."""
    seen(engine)
    seconds = []
    for _ in range(count):
        time.sleep(1)
        began = time.monotonic()
        seen(engine)
        seconds.append(time.monotonic() - began)
    return seconds


def seconds_of_each(engine: Compose, some: int) -> list[float]:
    """Of so many containers one after another, each with the two samples that `docker stats` takes
    for its first line.
    """
    api, seconds = engine.daemon.api, []
    for container in engine.containers.running()[:some]:
        began = time.monotonic()
        api.stats(container["Id"], stream=False)
        seconds.append(time.monotonic() - began)
    return seconds
