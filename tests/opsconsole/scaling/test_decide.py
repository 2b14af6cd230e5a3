"""What is decided: bounds, what is missing, and what keeps the number as it is."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from opsconsole.scaling.decide import decide
from opsconsole.scaling.shapes import Action, Change, Fallback, Kind, Metric, Rule
from opsconsole.scaling.troubles import Trouble
from tests.opsconsole.scaling.making import (
    NOW,
    OLDEST,
    WAITING,
    a_policy,
    a_sample,
    decided,
    settled,
)


@pytest.mark.parametrize("waiting", [None, 0, 1000])
def test_the_least_is_there_at_the_first_tick_whatever_is_known(waiting: float | None) -> None:
    decision = decided(a_policy(least=3, most=3), a_sample(1, waiting=waiting))
    assert (decision.desired, decision.action) == (3, Action.UP)


def test_the_least_is_there_without_any_sample() -> None:
    past = [Change(NOW - timedelta(hours=1), 4, 1)]
    decision = decided(a_policy(least=2), None, changes=past)
    assert (decision.current, decision.desired, decision.because) == (1, 2, Rule.LEAST)


def test_without_a_sample_the_number_stays_as_it_was_last() -> None:
    past = [Change(NOW - timedelta(hours=1), 1, 4)]
    decision = decided(a_policy(), None, changes=past)
    assert (decision.desired, decision.action, decision.because) == (
        4,
        Action.HOLD,
        Rule.MISSING,
    )
    assert decision.inputs[0].trouble == Trouble.NO_SAMPLE


@pytest.mark.parametrize(
    ("value", "trouble"),
    [
        (None, "away"),
        (math.nan, Trouble.NOT_FINITE),
        (math.inf, Trouble.NOT_FINITE),
        (-math.inf, Trouble.NOT_FINITE),
        (-1.0, Trouble.NEGATIVE),
    ],
)
def test_what_is_no_number_holds_and_is_not_zero(value: float | None, trouble: str) -> None:
    decision = decided(a_policy(), a_sample(4, waiting=value), settled(1))
    assert (decision.desired, decision.action, decision.because) == (4, Action.HOLD, Rule.MISSING)
    assert decision.inputs[0].trouble == trouble
    assert decision.inputs[0].wants is None


def test_a_metric_without_a_reading_is_missing() -> None:
    decision = decided(a_policy(), a_sample(4), settled(1))
    assert (decision.because, decision.inputs[0].trouble) == (Rule.MISSING, Trouble.NO_VALUE)


def test_a_sample_of_long_ago_says_nothing() -> None:
    sample = a_sample(4, waiting=0)
    policy, history = a_policy(), settled(1)
    decision = decide(policy, sample, history, NOW + timedelta(seconds=61))
    assert (decision.desired, decision.inputs[0].trouble) == (4, Trouble.OLD_SAMPLE)


def test_a_change_that_is_too_small_is_none() -> None:
    decision = decided(a_policy(), a_sample(3, waiting=33), settled(3))
    assert (decision.desired, decision.action, decision.because) == (
        3,
        Action.STAY,
        Rule.TOLERANCE,
    )


def test_nothing_to_change_is_no_hold() -> None:
    decision = decided(a_policy(), a_sample(3, waiting=30), settled(3))
    assert (decision.action, decision.because, decision.clamps) == (Action.STAY, None, ())


def test_nothing_to_do_at_the_least_is_no_hold() -> None:
    decision = decided(a_policy(), a_sample(1, waiting=0), settled(1))
    assert (decision.action, decision.because) == (Action.STAY, Rule.LEAST)


def test_more_work_than_the_most_can_do_is_a_hold() -> None:
    decision = decided(a_policy(most=4), a_sample(4, waiting=900), settled(90))
    assert (decision.action, decision.because) == (Action.HOLD, Rule.MOST)


@pytest.mark.parametrize(("failed", "desired"), [(2, 2), (3, 5)])
def test_a_fallback_acts_once_there_are_more_failures_than_it_bears(
    failed: int, desired: int
) -> None:
    metric = Metric(Kind.WAITING, 10, WAITING.basis, fallback=Fallback(after=3, replicas=5))
    sample = a_sample(2, waiting=None)
    decision = decided(a_policy(metric), sample, failures={"waiting": failed})
    assert decision.desired == desired


def test_a_fallback_never_lowers() -> None:
    metric = Metric(Kind.WAITING, 10, WAITING.basis, fallback=Fallback(after=0, replicas=2))
    decision = decided(a_policy(metric, OLDEST), a_sample(5, waiting=None, oldest=72))
    assert decision.desired == 6


def test_without_a_ready_replica_a_low_value_says_nothing() -> None:
    sample = replace(a_sample(4, waiting=0), replicas=())
    decision = decided(a_policy(), sample, settled(1))
    assert (decision.desired, decision.inputs[0].trouble) == (4, Trouble.NONE_READY)
