"""Healing on a real engine: small containers, of which a file decides whether they are well."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import Health, Replica, State
from opsconsole.engines.compose import Compose
from opsconsole.engines.layout import Layout
from opsconsole.healing import heal as healing
from opsconsole.models import Caller, Environment, Event, Heal
from tests.stack.conftest import Told
from tests.stack.engine import docker, inspect
from tests.stack.small_site import app_image
from tests.stack.stack import Stack, free_prefix
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = "healing-compose"
LOOK = timedelta(seconds=15)
BEAT = Caller(source="beat")


def written(prefix: str) -> str:
    """The Compose file, with networks of that prefix."""
    return f"""
x-small: &small
  image: {app_image()}
  init: true
  restart: unless-stopped
  stop_grace_period: 90s
  networks: [inner]
  labels: {{pmscoring.project: {PROJECT}}}
  healthcheck:
    test: [CMD-SHELL, "test -f /tmp/ok || {{ echo no answer from web; exit 1; }}"]
    interval: 1s
    timeout: 3s
    retries: 2
    start_period: 5s
services:
  web:
    <<: *small
    # It hears nobody who asks it to end, as a process that hangs.
    command: [sh, -c, "touch /tmp/ok; trap : TERM; while :; do sleep 3600 & wait; done"]
    deploy: {{replicas: 2}}
  once:
    <<: *small
    command: [sh, -c, "exit 1"]
    restart: "no"
  dying:
    <<: *small
    command: [sh, -c, "exit 7"]
    healthcheck: {{disable: true}}
    profiles: [dying]
networks:
  inner:
    labels: {{pmscoring.project: {PROJECT}}}
    ipam: {{config: [{{subnet: "{prefix}.1.0/24"}}]}}
"""


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The words of a Compose command for the project, which runs."""
    file = tmp_path_factory.mktemp("healing") / "compose.yaml"
    file.write_text(written(free_prefix()))
    words = ["compose", f"--project-name={PROJECT}", f"--file={file}"]
    try:
        docker(*words, "up", "--detach")
        yield words
    finally:
        docker(*words, "--profile=dying", "down", "--timeout=1")


@pytest.fixture
def engine(compose: list[str]) -> Compose:
    """Of the project, with both replicas of web healthy."""
    folder = Path(compose[-1].partition("=")[2]).parent
    engine = Compose(Layout("an-id", PROJECT, folder, profiles=("dying",)))
    wait_until(lambda: all(each.health is Health.HEALTHY for each in web(engine)), 60)
    return engine


@pytest.fixture
def environment(db: None) -> Environment:
    """The project, as a row."""
    return Environment.objects.create(
        code="small", kind="staging", engine="compose", project=PROJECT, laid_out_at=now()
    )


@pytest.fixture
def look(engine: Compose, environment: Environment) -> Callable[[], list[healing.Done]]:
    """One look of the healer."""
    return lambda: healing.heal(environment, engine, caller=BEAT)


def web(engine: Compose) -> tuple[Replica, ...]:
    return next(service.replicas for service in engine.services() if service.name == "web")


def sicken(replica: Replica) -> None:
    docker("exec", replica.id, "rm", "/tmp/ok")


def test_an_unhealthy_replica_is_restarted_within_a_minute(
    engine: Compose, look: Callable[[], list[healing.Done]], told: Told
) -> None:
    sick, other = web(engine)
    sicken(sick)
    wait_until(lambda: web(engine)[0].health is Health.UNHEALTHY, 30)
    unhealthy_at = now()
    look()
    time.sleep(LOOK.total_seconds())  # As beat asks for it: that is the time under test.
    (done,) = look()
    assert (done.seen, done.did) == ("unhealthy: no answer from web", "restarted")
    wait_until(lambda: web(engine)[0].health is Health.HEALTHY, 30)
    healed, untouched = web(engine)
    assert healed.started_at
    took = healed.started_at - unhealthy_at
    assert timedelta(0) < took < timedelta(seconds=60)
    assert untouched.started_at == other.started_at
    assert look() == []
    assert list(Heal.objects.values_list("did", "outcome")) == [("restarted", "recovered")]
    told(f"an unhealthy container was restarted {took.total_seconds():.0f} s after it became so")


def test_what_was_stopped_by_hand_stays_stopped(
    engine: Compose, look: Callable[[], list[healing.Done]], compose: list[str]
) -> None:
    sick = web(engine)[0]
    sicken(sick)
    wait_until(lambda: web(engine)[0].health is Health.UNHEALTHY, 30)
    look()
    docker("stop", "--time=1", sick.id)
    time.sleep(LOOK.total_seconds())
    assert look() == []
    assert web(engine)[0].state is State.STOPPED
    assert Heal.objects.get().outcome == "gone"
    docker("start", sick.id)


def test_a_crash_loop_is_given_up_with_the_engine_s_words(
    engine: Compose, look: Callable[[], list[healing.Done]], compose: list[str], told: Told
) -> None:
    began = time.monotonic()
    docker(*compose, "--profile=dying", "up", "--detach", "dying")
    try:
        wait_until(
            lambda: look() and Event.objects.filter(deed="heal.given_up").exists(), 120, every=2.0
        )
    finally:
        docker(*compose, "--profile=dying", "rm", "--force", "--stop", "dying")
    event = Event.objects.get()
    assert event.details["replica"] == "dying-1"
    assert "exit 7" in event.details["seen"]
    assert "it does not keep running" in event.details["reason"]
    assert look() == []
    assert Heal.objects.get(service="dying").outcome == "gone"
    told(f"a crash loop was given up {time.monotonic() - began:.0f} s after it began")


def test_a_one_shot_that_failed_is_left_alone(
    engine: Compose, look: Callable[[], list[healing.Done]]
) -> None:
    once = next(service for service in engine.services() if service.name == "once")
    assert once.replicas[0].exit_code == 1
    assert look() == []


def test_the_running_stack_heals_a_container_that_hangs(stack: Stack, told: Told) -> None:
    """By beat, broker and the operations worker themselves."""
    hanging = stack.containers("web")[0]
    before = hanging.told["State"]["StartedAt"]
    docker("exec", hanging.id, "sh", "-c", "kill -STOP -1")

    def state() -> dict[str, Any]:
        return dict(inspect(hanging.id)[0]["State"])

    wait_until(lambda: state()["Health"]["Status"] == "unhealthy", 120, every=0.5)
    took = wait_until(lambda: state()["StartedAt"] != before, 60, every=0.5)
    wait_until(lambda: state()["Health"]["Status"] == "healthy", 90, every=0.5)
    told(f"the stack restarted a web container that hung, {took:.0f} s after it was unhealthy")
