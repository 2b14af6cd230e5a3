"""What is there for more replicas."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from opsconsole.gateways import memory
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.models import Environment
from opsconsole.scaling.shapes import Room
from pmscoring.base import published_load
from tests.opsconsole.environments_made import environment as an_environment
from tests.opsconsole.scaling.machine import TICK, Machine, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return an_environment(seen={})


@pytest.fixture
def machine() -> Machine:
    engine = Machine()
    engine.tick(TICK)
    return engine


@pytest.fixture(autouse=True)
def load() -> Iterator[None]:
    yield
    published_load._store().delete(published_load.LOAD_KEY)


def room(environment: Environment, machine: Machine, service: str = "worker") -> Room:
    return take(environment, machine, service).room


def test_memory_is_what_the_kernel_could_give(
    environment: Environment, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  8000000 kB\nMemFree:  1000 kB\nMemAvailable:    2048 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", told)
    assert room(environment, machine).memory_free == 2048 * 1024
    told.write_text("MemTotal:  8000000 kB\n")
    assert room(environment, machine).memory_free is None


def test_this_kernel_says_it() -> None:
    assert (memory.available() or 0) > 1024 * 1024


def test_the_memory_of_another_machine_is_not_known(
    environment: Environment, machine: Machine
) -> None:
    [replica] = machine.running("worker")
    del machine.counted[replica.id]
    assert room(environment, machine).memory_free is None


def test_a_replica_may_take_its_limit(environment: Environment, machine: Machine) -> None:
    assert room(environment, machine).memory_each == 2**30
    machine.memory_limit = None
    assert room(environment, machine).memory_each == 2**20


def test_connections_are_counted_on_the_server() -> None:
    server = Server.from_settings()
    before = server.connections_free()
    assert 0 < before < server.value("SELECT current_setting('max_connections')::int")
    with server.connect(), server.connect():
        assert server.connections_free() <= before - 2


def test_a_reserve_is_left(
    environment: Environment, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "connections_free", lambda server: 25)
    assert room(environment, machine).connections_free == 15


def test_a_database_that_is_away_has_no_number(
    environment: Environment, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(server: Server) -> int:
        raise PostgresError("connection refused")

    monkeypatch.setattr(Server, "connections_free", away)
    assert room(environment, machine).connections_free is None


@pytest.mark.parametrize(
    ("service", "site", "connections"),
    [
        ("web", "", 2 * 8),
        ("web", "WEB_WORKERS=4\nWEB_THREADS=2", 4 * 5),
        ("web", "WEB_THREADS=20\nDATABASE_POOL=6", 2 * 6),
        ("worker", "", 2 + 1),
        ("worker", "CELERY_CONCURRENCY=8", 8 + 1),
        ("inference", "", None),
    ],
)
def test_a_replica_takes_what_its_processes_open(
    environment: Environment,
    machine: Machine,
    settings: Settings,
    service: str,
    site: str,
    connections: int | None,
) -> None:
    settings.SITE = site
    assert room(environment, machine, service).connections_each == connections


def test_an_added_environments_database_is_not_known(machine: Machine) -> None:
    assert room(an_environment("staging", seen={}), machine).connections_free is None


@pytest.mark.parametrize(
    ("load", "saturated"),
    [({"inference_full": True}, "inference"), ({"inference_full": False}, ""), ({}, "")],
)
def test_a_full_inference_service_saturates_the_workers_alone(
    environment: Environment, machine: Machine, load: dict[str, Any], saturated: str
) -> None:
    published_load.publish(load)
    assert room(environment, machine, "worker").saturated == saturated
    assert room(environment, machine, "web").saturated == ""
