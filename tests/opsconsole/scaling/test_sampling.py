"""Samples of an engine in memory, and of what scoring has published."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from opsconsole.engines.base import Counted, EngineAway, EngineError, Health, State
from opsconsole.models import Environment
from opsconsole.scaling import sampling
from opsconsole.scaling.looks import look
from opsconsole.scaling.shapes import Sample
from opsconsole.scaling.troubles import Trouble
from pmscoring.base import published_load
from tests.opsconsole.engines.fake import Fake
from tests.opsconsole.environments_made import environment as an_environment
from tests.opsconsole.gateways.answering import answering, document
from tests.opsconsole.scaling.machine import Machine, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return an_environment(seen={})


@pytest.fixture
def machine() -> Machine:
    """Two replicas of web, half a core each of two."""
    engine = Machine()
    engine.scale("web", 2)
    engine.tick(timedelta(minutes=10))
    return engine


@pytest.fixture(autouse=True)
def load() -> Iterator[None]:
    yield
    published_load._store().delete(published_load.LOAD_KEY)


def cpus(sample: Sample) -> list[float | None]:
    return [seen.cpu for seen in sample.replicas]


def test_the_first_sample_has_no_cpu(environment: Environment, machine: Machine) -> None:
    sample = take(environment, machine)
    assert (sample.wanted, sample.at, sample.service) == (2, machine.now, "web")
    names = [seen.name for seen in machine.running("web")]
    assert [seen.name for seen in sample.replicas] == names
    assert [(seen.ready, seen.age) for seen in sample.replicas] == [(True, 600.0)] * 2
    assert cpus(sample) == [None, None]
    assert sample.replicas[0].memory == 2**20


@pytest.mark.parametrize(("limit", "share"), [(2.0, 0.25), (0.5, 1.0), (None, 0.125)])
def test_cpu_is_the_share_of_the_limit_or_of_the_machine(
    environment: Environment, machine: Machine, limit: float | None, share: float
) -> None:
    machine.limit = limit
    take(environment, machine)
    machine.tick()
    assert cpus(take(environment, machine)) == [pytest.approx(share)] * 2


def test_it_does_not_matter_which_process_took_the_sample_before(
    environment: Environment, machine: Machine
) -> None:
    take(environment, machine)
    machine.cores["web"] = 1.0
    machine.tick()
    assert cpus(sampling.sample(environment, machine, "web", [], machine.now)) == [0.5, 0.5]


def test_a_sample_of_long_ago_says_nothing_of_now(
    environment: Environment, machine: Machine
) -> None:
    take(environment, machine)
    machine.tick(timedelta(seconds=61))
    assert cpus(take(environment, machine)) == [None, None]


def test_one_that_was_restarted_since_begins_anew(
    environment: Environment, machine: Machine
) -> None:
    take(environment, machine)
    machine.tick()
    # Its totals are higher than before all the same.
    machine.change(machine.web(1), started_at=machine.now - timedelta(seconds=5))
    assert cpus(take(environment, machine)) == [None, 0.25]


def test_totals_that_went_back_are_not_negative(environment: Environment, machine: Machine) -> None:
    take(environment, machine)
    machine.tick()
    machine.counted[machine.web(1)] = Counted(0.1, 1e6)
    assert cpus(take(environment, machine)) == [None, 0.25]


def test_one_that_is_gone_between_the_list_and_the_statistics_has_no_cpu(
    environment: Environment, machine: Machine
) -> None:
    take(environment, machine)
    machine.tick()
    del machine.counted[machine.web(2)]
    sample = take(environment, machine)
    assert cpus(sample) == [0.25, None]
    assert sample.replicas[1].memory is None


def test_throttling_is_told_of_the_time_since(environment: Environment, machine: Machine) -> None:
    take(environment, machine)
    machine.tick()
    machine.counted[machine.web(1)] = replace(
        machine.counted[machine.web(1)], periods=200, throttled=50
    )
    assert [seen.throttled for seen in take(environment, machine).replicas] == [0.25, None]


@pytest.mark.parametrize(
    ("changes", "ready"),
    [
        ({"health": Health.NONE}, True),
        ({"health": Health.STARTING}, False),
        ({"health": Health.UNHEALTHY}, False),
        ({"health": Health.UNKNOWN}, False),
        ({"state": State.RESTARTING}, False),
    ],
)
def test_only_what_is_well_is_ready(
    environment: Environment, machine: Machine, changes: dict[str, Any], ready: bool
) -> None:
    machine.change(machine.web(2), **changes)
    assert [seen.ready for seen in take(environment, machine).replicas] == [True, ready]


def test_what_has_ended_is_no_replica(environment: Environment, machine: Machine) -> None:
    machine.change(machine.web(2), state=State.STOPPED)
    sample = take(environment, machine)
    assert (sample.wanted, len(sample.replicas)) == (2, 1)


def test_an_engine_that_is_away_gives_no_sample(environment: Environment, machine: Machine) -> None:
    machine.fail("usage", EngineAway("it does not answer"))
    with pytest.raises(EngineAway):
        take(environment, machine)


def test_a_service_that_is_not_there_gives_no_sample(
    environment: Environment, machine: Machine
) -> None:
    with pytest.raises(EngineError, match="no service nowhere"):
        take(environment, machine, "nowhere")


def test_a_query_is_missing_where_there_is_no_prometheus(
    environment: Environment, machine: Machine, settings: Settings
) -> None:
    settings.PROMETHEUS_URL = ""
    sample = take(environment, machine, queries=["up"])
    assert sample.readings["query:up"].trouble == Trouble.NO_PROMETHEUS


def test_each_query_is_asked(
    environment: Environment, machine: Machine, settings: Settings
) -> None:
    series = [{"metric": {}, "value": [1.0, "7"]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": series}}
    with answering(document(body)) as server:
        settings.PROMETHEUS_URL = server.url
        readings = take(environment, machine, queries=["up", "sum(x)"]).readings
        server.answer = document({"status": "success", "data": {"resultType": "vector"}})
        empty = take(environment, machine, queries=["up"]).readings
    assert (readings["query:up"].value, readings["query:sum(x)"].value) == (7.0, 7.0)
    assert empty["query:up"].value is None


# The published load


def waits(environment: Environment, engine: Fake) -> dict[str, Any]:
    readings = take(environment, engine, "worker").readings
    return {key: vars(readings[key]) for key in ("waiting", "oldest")}


def test_it_reads_the_published_load(environment: Environment, machine: Machine) -> None:
    published_load.publish({"waiting": 12, "scoring": 4, "oldest_seconds": 3.5})
    assert waits(environment, machine) == {
        "waiting": {"value": 12.0, "trouble": ""},
        "oldest": {"value": 3.5, "trouble": ""},
    }


@pytest.mark.parametrize("content", [None, b"", b"[1]", b"{", b"{}"])
def test_a_load_that_is_gone_is_missing_and_not_0(
    environment: Environment, machine: Machine, content: bytes | None
) -> None:
    if content is not None:
        published_load._store().set(published_load.LOAD_KEY, content)
    gone = {"value": None, "trouble": "no_load"}
    assert waits(environment, machine) == {"waiting": gone, "oldest": gone}


@pytest.mark.parametrize(
    ("number", "trouble"),
    [
        (float("nan"), "number_is:nan"),
        (float("inf"), "number_is:inf"),
        (None, "no_number"),
        ("7", "no_number"),
        (True, "no_number"),
    ],
)
def test_what_is_no_number_is_missing(
    environment: Environment, machine: Machine, number: object, trouble: str
) -> None:
    published_load.publish({"waiting": number, "oldest_seconds": 1})
    assert waits(environment, machine)["waiting"] == {"value": None, "trouble": trouble}


def test_it_does_not_take_its_own_queue_for_anothers(machine: Machine) -> None:
    other = an_environment("staging", seen={})
    published_load.publish({"waiting": 12, "oldest_seconds": 3.5})
    assert look(other, machine, machine.now).load == {}
    assert waits(other, machine)["waiting"]["value"] is None
    assert waits(other, machine)["waiting"]["trouble"] == Trouble.OTHER_QUEUE


def test_arrivals_are_counted_and_not_what_was_still_scored_of_late(
    environment: Environment, machine: Machine
) -> None:
    published_load.publish({"waiting": 900, "oldest_seconds": 1, "rate": 0.0, "arrived": 1000})
    first = take(environment, machine, "worker")
    machine.tick()
    published_load.publish({"waiting": 960, "oldest_seconds": 1, "rate": 9.0, "arrived": 1090})
    second = take(environment, machine, "worker")
    machine.tick()
    published_load.publish({"waiting": 0, "oldest_seconds": 0, "rate": 16.0, "arrived": 1090})
    third = take(environment, machine, "worker")
    assert first.readings["arrivals"].value is None
    assert second.readings["arrivals"].value == 6.0
    assert third.readings["arrivals"].value == 0.0


@pytest.mark.parametrize("arrived", [999, None])
def test_arrivals_that_cannot_be_counted_are_missing(
    environment: Environment, machine: Machine, arrived: int | None
) -> None:
    published_load.publish({"waiting": 0, "oldest_seconds": 0, "rate": 0.0, "arrived": 1000})
    take(environment, machine, "worker")
    machine.tick()
    told = {"waiting": 0, "oldest_seconds": 0, "rate": 0.0}
    published_load.publish(told | ({} if arrived is None else {"arrived": arrived}))
    reading = take(environment, machine, "worker").readings["arrivals"]
    assert reading.value is None
    assert reading.trouble
