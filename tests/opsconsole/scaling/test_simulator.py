"""The simulator of `make bench-autoscale` against queueing theory, and what it must not lose."""

from dataclasses import replace

import numpy as np
import pytest

from opsconsole.scaling import defaults
from opsconsole.scaling.shapes import Kind
from tests.bench.autoscale.arrivals import evenly, poisson, through, works
from tests.bench.autoscale.erlang import mean_wait, probability_of_waiting
from tests.bench.autoscale.policies import ours
from tests.bench.autoscale.rivals import Fixed, OnOff, Planned, Steps
from tests.bench.autoscale.scenarios import WEB, WORKER
from tests.bench.autoscale.service import Outcome, Service, Spec

LOAD, SECONDS = 25.0, 3000.0
SMALL = Spec(slots=2, startup=20.0, least=1, most=8, late_after=1.0)


def constant(rate: float, seconds: float, seed: int) -> tuple[list[float], list[float]]:
    draw = np.random.default_rng(seed)
    arrivals = poisson(through((0, rate), (seconds, rate)), rate, seconds, draw)
    return arrivals, works(len(arrivals), 1.0, 1.0, draw)


def on_servers(servers: int, seed: int, seconds: float = SECONDS) -> Outcome:
    spec = Spec(slots=1, startup=0.0, least=servers, most=servers, late_after=2.0)
    return Service(spec, *constant(LOAD, seconds, seed)).run(Fixed(servers), seconds)


@pytest.mark.parametrize(("servers", "waits"), [(28, 0.457), (30, 0.250), (35, 0.040)])
def test_erlang_s_formula_gives_the_known_figures(servers: int, waits: float) -> None:
    assert probability_of_waiting(LOAD, servers) == pytest.approx(waits, abs=5e-4)


@pytest.mark.parametrize("servers", [28, 30, 35])
def test_as_many_wait_as_erlang_s_formula_says(servers: int) -> None:
    outcome = on_servers(servers, seed=1)
    share = outcome.waited / outcome.arrived
    assert share == pytest.approx(probability_of_waiting(LOAD, servers), rel=0.1, abs=0.005)
    assert outcome.response == pytest.approx(1 + mean_wait(LOAD, servers, 1.0), rel=0.02)
    assert outcome.busy_hours * 3600 / SECONDS == pytest.approx(LOAD, rel=0.02)


def test_servers_kept_for_a_while_spare_nearly_every_wait_for_a_start() -> None:
    spec = Spec(slots=1, startup=200.0, least=0, most=1000, late_after=2.0)
    arrivals, seconds = constant(10.0, 1000.0, seed=1)
    on_off = Service(spec, arrivals, seconds, start_with=20).run(OnOff(begin=20), 1000.0)
    kept = Service(spec, arrivals, seconds, start_with=20).run(OnOff(idle=320.0, begin=20), 1000.0)
    assert kept.response == pytest.approx(1.0, abs=0.05)
    assert on_off.response > 3 * kept.response
    assert on_off.starting_hours > 10 * kept.starting_hours


def test_the_same_seed_gives_the_same_outcome() -> None:
    assert on_servers(30, seed=2, seconds=300) == on_servers(30, seed=2, seconds=300)
    assert on_servers(30, seed=2, seconds=300) != on_servers(30, seed=3, seconds=300)


def test_a_replica_costs_from_when_it_is_asked_for_and_serves_after_its_start() -> None:
    arrivals = evenly([8.0] * 4, 15.0)
    service = Service(SMALL, arrivals, [0.2] * len(arrivals), keep_samples=True)
    outcome = service.run(Planned([1, 1, 3, 3, 1], 15.0), 60.0)
    assert outcome.replica_hours * 3600 == pytest.approx(60 + 2 * 30, abs=0.5)
    assert outcome.starting_hours * 3600 == pytest.approx(2 * 20)
    assert outcome.changes == 2


def test_a_replica_that_leaves_finishes_what_it_has_begun() -> None:
    service = Service(SMALL, [0.0, 0.1, 0.2, 0.3], [30.0] * 4, start_with=2)
    outcome = service.run(Planned([2, 1], 15.0), 60.0)
    assert (outcome.lost, outcome.again) == (0, 0)
    assert outcome.response == pytest.approx(30.0)
    assert outcome.replica_hours * 3600 == pytest.approx(60 + 30.1)


def test_what_a_crashed_replica_had_begun_is_begun_again_and_nothing_is_lost() -> None:
    arrivals = evenly([8.0] * 8, 15.0)
    spec = replace(SMALL, least=3)
    service = Service(spec, arrivals, [0.5] * len(arrivals), crashes=[(30.05, 0.5)])
    outcome = service.run(Fixed(3), 120.0)
    assert outcome.again > 0
    assert outcome.lost == 0
    assert outcome.busy_hours * 3600 * 2 == pytest.approx(0.5 * len(arrivals))


def test_what_has_waited_longer_than_the_balancer_lets_it_is_lost_and_late() -> None:
    spec = replace(SMALL, patience=15.0, most=1)
    arrivals = evenly([20.0] * 4, 15.0)
    outcome = Service(spec, arrivals, [0.2] * len(arrivals)).run(Fixed(1), 60.0)
    assert 0 < outcome.lost <= outcome.late
    assert outcome.arrived == len(arrivals)


def test_metrics_that_are_away_are_missing_and_not_zero() -> None:
    service = Service(SMALL, [], [], outages=[(0.0, 10.0)])
    blind = service.sample()
    assert {reading.value for reading in blind.readings.values()} == {None}
    assert [seen.cpu for seen in blind.replicas] == [None]


def test_the_design_document_s_rule_reads_missing_metrics_as_zero() -> None:
    arrivals = evenly([50.0] * 20, 15.0)
    works_ = [0.1] * len(arrivals)
    service = Service(SMALL, arrivals, works_, start_with=5, outages=[(120.0, 600.0)])
    service.run(Steps(), 300.0)
    assert service.asked == 1


@pytest.mark.parametrize(("service", "spec"), [("web", WEB), ("worker", WORKER)])
def test_the_policies_compared_are_those_that_are_shipped(service: str, spec: Spec) -> None:
    shipped = defaults.WEB if service == "web" else defaults.WORKER
    simulated = ours(service, spec)
    by_kind = {metric.kind: metric for metric in simulated.metrics}
    assert [metric["kind"] for metric in shipped["metrics"]] == list(by_kind)
    for metric in shipped["metrics"]:
        assert by_kind[metric["kind"]].basis == metric["basis"]
        # Requests are in proportion to what a simulated replica can do.
        if metric["kind"] != Kind.REQUESTS:
            assert by_kind[metric["kind"]].target == metric["target"]
