"""Requests a second and their 95th percentile, from counters and lines as HAProxy has them."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, repeat

import pytest
from pytest_django import Settings

from opsconsole.engines.base import EngineError, State
from opsconsole.models import Environment
from opsconsole.scaling import looks
from opsconsole.scaling.shapes import Reading
from opsconsole.scaling.troubles import Trouble, in_words
from tests.local_servers import free_port
from tests.opsconsole.engines.requests_logged import line
from tests.opsconsole.environments_made import environment as an_environment
from tests.opsconsole.gateways.answering import Answer, Answering, answering, text
from tests.opsconsole.scaling.machine import Machine, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return an_environment(seen={})


@pytest.fixture
def machine() -> Machine:
    engine = Machine()
    engine.tick(timedelta(minutes=10))
    return engine


@pytest.fixture
def haproxy(settings: Settings) -> Iterator[Answering]:
    """Its exporter, which has counted 1,000 requests."""
    with answering(counted(1000)) as server:
        settings.HAPROXY_URL = server.url
        yield server


def counted(requests: int) -> Answer:
    return text(f'haproxy_backend_http_requests_total{{proxy="web"}} {requests}\n')


def logged(machine: Machine, *milliseconds: int, ago: int = 10, status: int = 200) -> None:
    """HAProxy logs a request of each length."""
    at = machine.now - timedelta(seconds=ago)
    machine.lines += [(at, line(at, "172.28.2.5", status, each)) for each in milliseconds]


def readings(environment: Environment, machine: Machine) -> tuple[Reading, Reading]:
    sample = take(environment, machine)
    return sample.readings["requests"], sample.readings["latency"]


def test_requests_are_those_between_two_samples(
    environment: Environment, machine: Machine, haproxy: Answering
) -> None:
    first, _ = readings(environment, machine)
    machine.tick()
    haproxy.answer = counted(1300)
    second, _ = readings(environment, machine)
    assert first == Reading(trouble=Trouble.FIRST_REQUESTS)
    assert second == Reading(20.0)


def test_a_look_that_takes_long_makes_no_other_rate(
    environment: Environment,
    machine: Machine,
    haproxy: Answering,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = []
    for number, seconds in enumerate((0.3, 3.0, 0.3, 3.0)):
        # 100 requests a second, which go on while the look goes on.
        haproxy.answer = counted(1000 + round(100 * (15 * number + seconds)))
        clock = chain([0.0], repeat(seconds))
        monkeypatch.setattr(looks, "monotonic", lambda clock=clock: next(clock))
        rates.append(readings(environment, machine)[0].value)
        machine.tick()
    assert rates[1:] == [pytest.approx(100.0)] * 3


def test_counters_that_went_back_are_of_a_restart(
    environment: Environment, machine: Machine, haproxy: Answering
) -> None:
    readings(environment, machine)
    machine.tick()
    haproxy.answer = counted(5)
    requests, _ = readings(environment, machine)
    machine.tick()
    haproxy.answer = counted(20)
    after, _ = readings(environment, machine)
    assert requests.value is None
    assert "anew" in in_words(requests.trouble)
    assert after == Reading(1.0)


@pytest.mark.parametrize(("status", "body"), [(401, "Unauthorized"), (200, "")])
def test_a_haproxy_that_says_nothing_is_missing_and_not_0(
    environment: Environment, machine: Machine, haproxy: Answering, status: int, body: str
) -> None:
    readings(environment, machine)
    machine.tick()
    haproxy.answer = text(body, status)
    requests, latency = readings(environment, machine)
    assert requests.value is None
    assert "HAProxy" in in_words(requests.trouble)
    assert latency.value is None


def test_a_haproxy_that_is_away_is_missing(
    environment: Environment, machine: Machine, settings: Settings
) -> None:
    settings.HAPROXY_URL = f"http://127.0.0.1:{free_port()}"
    requests, _ = readings(environment, machine)
    assert "HAProxy is away" in in_words(requests.trouble)


def test_after_it_was_away_it_is_counted_anew(
    environment: Environment, machine: Machine, haproxy: Answering
) -> None:
    readings(environment, machine)
    haproxy.answer = text("", 503)
    machine.tick()
    readings(environment, machine)
    haproxy.answer = counted(1900)
    machine.tick()
    requests, _ = readings(environment, machine)
    assert requests.value is None


def test_latency_is_the_95th_percentile_of_the_last_minute(
    environment: Environment, machine: Machine
) -> None:
    logged(machine, 9000, ago=61)
    logged(machine, *range(1, 101))
    _, latency = readings(environment, machine)
    assert latency == Reading(95.0)


@pytest.mark.parametrize(("times", "percentile"), [([7], 7.0), ([1, 2, 3], 3.0), ([5] * 40, 5.0)])
def test_the_percentile_of_few_requests_is_one_of_them(
    environment: Environment, machine: Machine, times: list[int], percentile: float
) -> None:
    logged(machine, *times)
    assert readings(environment, machine)[1] == Reading(percentile)


def test_without_requests_nobody_has_waited(environment: Environment, machine: Machine) -> None:
    requests, latency = readings(environment, machine)
    assert (requests, latency) == (Reading(0.0), Reading(0.0))


def test_requests_that_were_counted_and_not_logged_have_no_percentile(
    environment: Environment, machine: Machine, haproxy: Answering
) -> None:
    readings(environment, machine)
    machine.tick()
    haproxy.answer = counted(1300)
    requests, latency = readings(environment, machine)
    assert requests.value == 20.0
    assert latency.value is None
    assert "no request" in in_words(latency.trouble)


def test_requests_to_another_environment_are_those_in_the_log(
    machine: Machine, haproxy: Answering
) -> None:
    logged(machine, *[40] * 120)
    requests, latency = readings(an_environment("staging", seen={}), machine)
    assert (requests, latency) == (Reading(2.0), Reading(40.0))
    assert haproxy.asked == []


def test_a_log_that_was_cut_off_counts_nothing(environment: Environment, machine: Machine) -> None:
    logged(machine, *[40] * 6000)
    requests, latency = readings(environment, machine)
    assert requests.value is None
    assert latency == Reading(40.0)


def test_a_log_that_cannot_be_read_is_missing(environment: Environment, machine: Machine) -> None:
    machine.fail("logs", EngineError("configured logging driver does not support reading"))
    requests, latency = readings(environment, machine)
    assert requests == latency
    assert latency.value is None
    assert "logging driver" in latency.trouble


def test_a_haproxy_that_does_not_run_is_missing(environment: Environment, machine: Machine) -> None:
    [replica] = machine.running("haproxy")
    machine.change(replica.id, state=State.STOPPED)
    assert readings(environment, machine)[1] == Reading(trouble=Trouble.HAPROXY_STOPPED)


def test_an_installation_without_haproxy_says_so(
    environment: Environment, machine: Machine
) -> None:
    del machine.services_["haproxy"]
    missing = Reading(trouble=Trouble.NO_HAPROXY)
    assert readings(environment, machine) == (missing, missing)


def test_nothing_else_is_behind_haproxy(environment: Environment, machine: Machine) -> None:
    assert not {"requests", "latency"} & take(environment, machine, "worker").readings.keys()
