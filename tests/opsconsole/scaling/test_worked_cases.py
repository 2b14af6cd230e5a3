"""Kubernetes' own cases of its HorizontalPodAutoscaler, to the digit."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest

from opsconsole.scaling.hpa import of_cpu, of_total
from opsconsole.scaling.shapes import Basis, Behaviour, Change, History, Kind, Metric, Rate, Unit
from opsconsole.scaling.troubles import Trouble
from tests.opsconsole.scaling.making import (
    NOW,
    OLDEST,
    QUERY,
    SECOND,
    WAITING,
    a_policy,
    a_replica,
    a_sample,
    cpu,
    decided,
)

TENTH = Fraction(1, 10)
UNREADY, MISSING = "u", "-"


def wanted_by_cpu(seen: Sequence[int | str], target: int) -> int | None:
    """Of replicas that use so many thousandths of their limit, with a target in percent."""
    values = {UNREADY: None, MISSING: None}
    replicas = [
        a_replica(
            f"web-{index}",
            cpu=values[each] if isinstance(each, str) else each / 1000,
            ready=each != UNREADY,
            age=10 if each == UNREADY else 600,
        )
        for index, each in enumerate(seen)
    ]
    return of_cpu(replicas, len(seen), Fraction(target, 100), TENTH, warm_up=30).wants


@pytest.mark.parametrize(
    ("seen", "target", "desired"),
    [
        ([300, 500, 700], 30, 5),
        (["u", 500, 700], 30, 4),
        ([400, "u", "u"], 30, 3),
        ([100, 300, 500, "u", "u"], 50, 2),
        ([400, 95, "-", "-"], 100, 3),
        (["u", 100, 100, "-"], 50, 3),
        ([600, "-"], 100, 2),
        ([1900, "-"], 100, 2),
        (["u", 2000, "-"], 50, 4),
    ],
)
def test_cpu_of_replicas_of_which_some_are_not_ready_or_not_known(
    seen: Sequence[int | str], target: int, desired: int
) -> None:
    assert wanted_by_cpu(seen, target) == desired


@pytest.mark.parametrize(("queue", "desired"), [(33, 3), (34, 4)])
def test_a_queue_that_is_shared_out(queue: int, desired: int) -> None:
    assert of_total(queue, 3, 3, Fraction(10), TENTH).wants == desired


@pytest.mark.parametrize("behaviour", Behaviour)
def test_the_highest_recommendation_of_the_window_holds(behaviour: Behaviour) -> None:
    past = [(NOW - ago * SECOND, number) for ago, number in ((310, 10), (120, 9), (60, 7))]
    policy = a_policy(behaviour=behaviour, down_window=300)
    decision = decided(policy, a_sample(10, waiting=30), History(recommendations=past))
    assert (decision.recommended, decision.desired) == (3, 9)


@pytest.mark.parametrize(("behaviour", "desired"), [("behavior", 5), ("plain", 4)])
def test_one_replica_that_wants_to_be_twenty(behaviour: str, desired: int) -> None:
    policy = a_policy(behaviour=Behaviour(behaviour))
    assert decided(policy, a_sample(1, waiting=200)).desired == desired


def test_ten_percent_a_period_downwards() -> None:
    rates = [Rate(Unit.PERCENT, 10, 60)]
    policy = a_policy(down_window=0, down_rates=rates)
    first = decided(policy, a_sample(80, waiting=10))
    change = Change(NOW - 60 * SECOND, 80, 72)
    second = decided(policy, a_sample(72, waiting=10), changes=[change])
    assert (first.desired, second.desired) == (72, 64)


@pytest.mark.parametrize(("wants", "desired"), [(2, 5), (8, 8)])
def test_a_metric_that_failed_lowers_nothing_and_another_may_raise(
    wants: int, desired: int
) -> None:
    policy = a_policy(WAITING, OLDEST, down_window=0)
    assert decided(policy, a_sample(5, waiting=wants * 10, oldest=None)).desired == desired


def test_the_highest_of_several_metrics() -> None:
    policy = a_policy(WAITING, OLDEST, QUERY)
    sample = a_sample(4, waiting=50, oldest=90, **{"query:up": 10})
    decision = decided(policy, sample)
    assert [each.wants for each in decision.inputs] == [5, 6, 1]
    assert decision.desired == 6


@pytest.mark.parametrize(
    ("seen", "target", "desired"),
    [
        ([330, 330], 30, 2),  # 1.1 times the target
        ([339, 339], 30, 2),  # 33.9 % are 33 %
        ([340, 340], 30, 3),
        ([290, 290], 29, 2),  # 0.29 * 100 is a little less than 29, as a float
        ([270, 270, 270], 30, 3),  # 0.9 times the target
        ([269, 269, 269], 30, 3),  # 26 %, 0.87 times it, of which 3 are 2.6
        ([190, 190, 190], 30, 2),
    ],
)
def test_utilisation_is_cut_to_whole_percent_and_a_tenth_is_a_tenth(
    seen: Sequence[int], target: int, desired: int
) -> None:
    assert wanted_by_cpu(seen, target) == desired


@pytest.mark.parametrize("third", [UNREADY, MISSING])
def test_a_replica_that_says_nothing_bears_a_share_of_what_is_too_much(third: str) -> None:
    assert wanted_by_cpu([800, 800], 50) == 4
    assert wanted_by_cpu([800, 800, third], 50) == 3


def test_a_replica_that_is_not_there_yet_bears_its_share_too() -> None:
    replicas = [a_replica(f"web-{number}", cpu=0.8) for number in (1, 2)]
    assert of_cpu(replicas, 3, Fraction(1, 2), TENTH, warm_up=30).wants == 3


def test_a_latency_without_a_ready_replica_says_nothing() -> None:
    policy = a_policy(Metric(Kind.LATENCY, 100, Basis.AVERAGE))
    decision = decided(policy, replace(a_sample(4, latency=10), replicas=()))
    assert (decision.desired, decision.inputs[0].trouble) == (4, Trouble.NONE_READY)


def test_cpu_that_is_known_of_nobody_is_not_zero() -> None:
    policy = a_policy(cpu(0.5))
    decision = decided(policy, a_sample(3))
    assert decision.inputs[0].trouble == Trouble.NO_CPU
    assert decision.desired == 3


def test_a_latency_counts_the_replicas_that_are_ready() -> None:
    policy = a_policy(Metric(Kind.LATENCY, 100, Basis.AVERAGE))
    assert decided(policy, a_sample(4, latency=150)).desired == 6
