"""What a policy would have done over recorded samples."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opsconsole.scaling.flow import capacity_of, flow
from opsconsole.scaling.replay import replay
from opsconsole.scaling.shapes import (
    Action,
    Basis,
    Floor,
    Kind,
    Metric,
    Policy,
    Reading,
    Sample,
    Seen,
)

START = datetime(2026, 4, 1, 9, tzinfo=UTC)
REQUESTS = Metric(Kind.REQUESTS, 6.0, Basis.TOTAL)
CPU = Metric(Kind.CPU, 0.5, Basis.AVERAGE)
POLICY = Policy("web", 1, 8, [REQUESTS], down_window=60)


def recorded(rates: Sequence[float | None], replicas: int = 2, each: float = 10.0) -> list[Sample]:
    """A sample every 15 s, whose replicas can do so many requests a second each."""
    return [
        Sample(
            at=START + timedelta(seconds=15 * number),
            service="web",
            wanted=replicas,
            replicas=[
                Seen(f"web-{n}", ready=True, age=900.0, cpu=min((rate or 0) / each / replicas, 1.0))
                for n in range(replicas)
            ],
            readings={
                "requests": Reading(rate) if rate is not None else Reading(trouble="away"),
                "latency": Reading(200.0),
            },
        )
        for number, rate in enumerate(rates)
    ]


def test_it_finds_what_a_replica_can_do_in_what_requests_cost() -> None:
    assert capacity_of(recorded([8.0, 12.0, 16.0])) == pytest.approx(10.0)


def test_it_finds_what_a_worker_can_do_while_answers_wait() -> None:
    samples = [
        replace(sample, readings={"waiting": Reading(waiting), "rate": Reading(rate)})
        for sample, waiting, rate in zip(
            recorded([1.0] * 3), (0.0, 50.0, 20.0), (3.0, 8.0, 8.0), strict=True
        )
    ]
    assert capacity_of(samples) == 4.0


def test_it_knows_no_capacity_where_nothing_says_it() -> None:
    samples = [replace(sample, replicas=[]) for sample in recorded([8.0, 12.0])]
    came = replay(POLICY, samples)
    assert came.capacity is None
    assert (came.replayed.served, came.replayed.late, came.replayed.idle_hours) == (None,) * 3


def test_it_says_what_the_policy_would_have_done() -> None:
    came = replay(POLICY, recorded([8.0] * 4 + [40.0] * 20), startup=30)
    assert [step.decision.desired for step in came.steps][3:7] == [2, 6, 7, 7]
    assert [step.ready for step in came.steps][3:8] == [2, 2, 2, 6, 7]
    assert came.steps[4].decision.action is Action.UP


def test_it_tells_late_ones_that_more_replicas_would_have_spared() -> None:
    came = replay(POLICY, recorded([8.0] * 4 + [40.0] * 40), startup=30, late_after=5)
    assert came.recorded.late == pytest.approx(40 * 40 * 15, rel=0.1)
    assert came.replayed.late == pytest.approx(40 * (55 + 15), rel=0.2)
    assert came.replayed.served == pytest.approx(43 * 8 * 15 * 4.4, rel=0.1)


def test_it_tells_idle_hours_that_fewer_replicas_would_have_spared() -> None:
    came = replay(POLICY, recorded([5.0] * 241, replicas=4))
    assert came.recorded.idle_hours == pytest.approx(3.5)
    assert came.replayed.idle_hours is not None
    assert came.replayed.idle_hours < 0.7
    assert came.recorded.replica_hours == pytest.approx(4.0)


def test_an_average_is_rescaled_and_a_total_stays() -> None:
    policy = replace(POLICY, metrics=[CPU, Metric(Kind.LATENCY, 500.0, Basis.AVERAGE)])
    came = replay(policy, recorded([4.0] * 30, replicas=4))
    cpu, latency = came.steps[-1].decision.inputs
    assert came.steps[-1].ready == 2
    assert [cpu.value, latency.value] == pytest.approx([0.2, 400.0])
    asked = replay(POLICY, recorded([11.0] * 30, replicas=4)).steps[-1].decision.inputs[0]
    assert asked.value == 11.0


def test_what_too_few_replicas_leave_makes_the_wait_longer() -> None:
    policy = replace(POLICY, most=1, metrics=[Metric(Kind.LATENCY, 500.0, Basis.AVERAGE)])
    came = replay(policy, recorded([15.0] * 30), startup=0)
    waits = [step.decision.inputs[0].value or 0.0 for step in came.steps]
    assert waits[-1] > 1000 * 30
    assert waits == sorted(waits)


def test_missing_data_lower_nothing_and_are_counted_nowhere() -> None:
    came = replay(POLICY, recorded([44.0] * 4 + [None] * 30, replicas=8))
    assert {step.decision.desired for step in came.steps[4:]} == {8}
    assert came.replayed.served == pytest.approx(3 * 44 * 15)


def test_a_gap_is_counted_nowhere() -> None:
    samples = recorded([10.0] * 3)
    later = [replace(sample, at=sample.at + timedelta(hours=5)) for sample in samples]
    came = replay(POLICY, [*samples, *later])
    assert came.recorded.replica_hours == pytest.approx(2 * 60 / 3600)
    assert came.recorded.served == pytest.approx(4 * 10 * 15)


def test_it_knows_the_calendar() -> None:
    bell = START + timedelta(minutes=5)
    floor = Floor("exam", bell, bell + timedelta(hours=1), 5, bell - timedelta(seconds=60))
    came = replay(POLICY, recorded([5.0] * 40), floors=lambda at: [floor])
    at_the_bell = next(step for step in came.steps if step.at == bell)
    assert at_the_bell.ready == 5


def test_nothing_recorded_is_nothing_replayed() -> None:
    came = replay(POLICY, [])
    assert (came.steps, came.capacity, came.replayed.replica_hours) == ([], None, 0.0)


def test_a_policy_that_changes_nothing_gives_the_figures_that_were() -> None:
    policy = replace(POLICY, least=2, most=2)
    came = replay(policy, recorded([8.0, 30.0, 8.0] * 10))
    assert came.replayed == came.recorded
    assert came.recorded.late


@pytest.mark.parametrize(
    ("waiting", "rate", "late", "left"),
    [
        (0.0, 5.0, 0.0, 0.0),
        (0.0, 10.0, 0.0, 0.0),
        (30.0, 10.0, 100.0, 30.0),  # three seconds before each
        (0.0, 14.0, 70.0, 40.0),  # the queue passes two seconds' worth on half of the way
        (20.0, 6.0, 0.0, 0.0),
    ],
)
def test_late_is_who_finds_more_than_is_done_in_time(
    waiting: float, rate: float, late: float, left: float
) -> None:
    came = flow(waiting, rate, 1, 10.0, 10.0, late_after=2.0)
    assert [came.late, came.waiting] == pytest.approx([late, left])
    assert came.served + came.waiting == pytest.approx(waiting + came.arrived)
