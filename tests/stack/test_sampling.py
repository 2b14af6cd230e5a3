"""Fifty containers are sampled at once, and not one after another."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from opsconsole.engines.compose import Compose
from opsconsole.engines.layout import Layout
from opsconsole.models import Environment
from opsconsole.scaling.looks import look
from tests.stack.conftest import Told
from tests.stack.engine import docker
from tests.stack.small_site import app_image

PROJECT = "sampling-fifty"
MANY = 50
SOME = 3
"""So many are sampled one after another, as `docker stats` samples each."""
AT_MOST = 0.1
"""Of the time that all of them would take one after another."""
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


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """Fifty containers with a limit of a twentieth of a CPU; a few of them want more."""
    folder = tmp_path_factory.mktemp("fifty")
    (folder / "compose.yaml").write_text(FILE.format(image=app_image()))
    words = ["compose", f"--project-name={PROJECT}", f"--project-directory={folder}"]
    try:
        docker(*words, "up", "--detach", "--quiet-pull", timeout=300)
        yield Compose(Layout("an-id", PROJECT, folder))
    finally:
        docker(*words, "down", "--timeout=0", "--volumes", timeout=300)


def test_fifty_replicas_are_sampled_at_once(engine: Compose, told: Told) -> None:
    environment = Environment(code="fifty", project=PROJECT)
    look(environment, engine, datetime.now(UTC))
    seconds = []
    for _ in range(5):
        began = time.monotonic()
        seen = look(environment, engine, datetime.now(UTC))
        seconds.append(time.monotonic() - began)
        time.sleep(1)
    each = one_after_another(engine) / SOME
    told(
        f"{MANY} containers in {min(seconds):.2f} to {max(seconds):.2f} s;"
        f" one after another {MANY * each:.0f} s"
    )
    assert len(seen.services["web"].replicas) == len(seen.usage) == MANY
    assert all(usage.cpu_cores is not None and usage.memory_bytes for usage in seen.usage.values())
    assert max(seconds) < AT_MOST * MANY * each


def one_after_another(engine: Compose) -> float:
    """Seconds for SOME of them, each with the two samples that the engine takes by itself."""
    api = engine.daemon.api
    ids = docker("ps", "-q", f"--filter=label=pmscoring.project={PROJECT}").split()[:SOME]
    began = time.monotonic()
    for container in ids:
        api.stats(container, stream=False)
    return time.monotonic() - began


def test_their_cpu_is_bounded_by_their_limit_and_throttling_is_told(engine: Compose) -> None:
    environment = Environment(code="fifty", project=PROJECT)
    first = look(environment, engine, datetime.now(UTC))
    time.sleep(5)
    second = look(environment, engine, datetime.now(UTC))
    shares = {}
    for key, usage in second.usage.items():
        earlier = first.usage[key].counted
        assert usage.counted is not None
        assert earlier is not None
        cores = usage.counted.cores_since(earlier)
        assert cores is not None
        assert usage.cpu_limit == 0.05
        shares[key] = cores / usage.cpu_limit, usage.counted.throttled_since(earlier)
    busy = {key: share for key, (share, _throttled) in shares.items() if share > 0.5}
    assert all(share < 1.3 for share, _throttled in shares.values())
    assert all((shares[key][1] or 0) > 0.5 for key in busy)
