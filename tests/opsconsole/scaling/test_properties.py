"""What holds for every policy, sample and past."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from opsconsole.scaling.decide import decide
from opsconsole.scaling.shapes import (
    Action,
    Basis,
    Behaviour,
    By,
    Change,
    Fallback,
    Floor,
    History,
    Kind,
    Metric,
    Policy,
    Rate,
    Reading,
    Room,
    Rule,
    Sample,
    Seen,
    Unit,
)
from tests.opsconsole.scaling.making import NOW, SECOND, TICK, WAITING, a_policy, a_sample, cpu

always = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""However busy the machine is."""
over_hours = settings(always, max_examples=50)
MOST = 20
WINDOW = 300
numbers = st.integers(1, MOST)
before = st.integers(0, 1000).map(lambda seconds: NOW - seconds * SECOND)
values = st.none() | st.floats(0, 1000) | st.sampled_from([math.nan, math.inf, -math.inf, -1.0])
rates = st.lists(
    st.builds(Rate, st.sampled_from(Unit), st.integers(1, 100), st.integers(1, 600)), max_size=3
)
fallbacks = st.none() | st.builds(Fallback, st.integers(0, 5), numbers)


@st.composite
def metrics(draw: st.DrawFn) -> list[Metric]:
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=4, unique=True))
    return [
        Metric(
            kind,
            draw(st.floats(0.1, 1) if kind is Kind.CPU else st.floats(0.5, 500)),
            draw(st.sampled_from(Basis)),
            fallback=draw(fallbacks),
        )
        for kind in kinds
    ]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    least, most = sorted((draw(numbers), draw(numbers)))
    return Policy(
        "web",
        least,
        most,
        draw(metrics()),
        tolerance=draw(st.sampled_from([0.0, 0.1, 0.25])),
        behaviour=draw(st.sampled_from(Behaviour)),
        up_window=draw(st.sampled_from([0, 30, 120])),
        down_window=draw(st.sampled_from([0, 30, 300])),
        up_rates=draw(rates),
        down_rates=draw(rates),
    )


@st.composite
def samples(draw: st.DrawFn, policy: Policy) -> Sample:
    replicas = [
        Seen(
            f"web-{number}",
            draw(st.booleans()),
            draw(st.none() | st.floats(0, 100)),
            draw(values),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    readings = {metric.key: Reading(draw(values)) for metric in policy.metrics}
    room = Room(
        memory_free=draw(st.none() | st.integers(-5, 50)),
        memory_each=draw(st.none() | st.integers(0, 10)),
        connections_free=draw(st.none() | st.integers(-5, 50)),
        connections_each=draw(st.none() | st.integers(0, 10)),
        saturated=draw(st.sampled_from(["", "inference"])),
    )
    return Sample(NOW, "web", draw(st.integers(0, 25)), replicas, readings, room)


floors = st.builds(
    lambda start, length, replicas: Floor(
        "exam", start, start + length * SECOND, replicas, start - 90 * SECOND
    ),
    before,
    st.integers(1, 2000),
    numbers,
)


@st.composite
def histories(draw: st.DrawFn, policy: Policy) -> History:
    changes = st.builds(Change, before, numbers, numbers, st.sampled_from(By))
    keys = [metric.key for metric in policy.metrics]
    return History(
        recommendations=sorted(draw(st.lists(st.tuples(before, numbers), max_size=8))),
        changes=sorted(draw(st.lists(changes, max_size=5)), key=lambda change: change.at),
        failures=draw(st.dictionaries(st.sampled_from(keys), st.integers(0, 9))),
        deployed_at=draw(st.none() | before),
        floors=draw(st.lists(floors, max_size=2)),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Sample | None, History]:
    """Whatever could be seen after whatever could have been; no deployment, nobody's hand."""
    policy = draw(policies())
    sample = draw(st.none() | samples(policy))
    return policy, sample, draw(histories(policy))


Case = tuple[Policy, Sample | None, History]


@always
@given(cases())
def test_the_number_is_within_the_bounds(case: Case) -> None:
    decision = decide(*case, NOW)
    assert case[0].least <= decision.desired <= case[0].most


@always
@given(cases())
def test_nothing_is_lowered_while_a_metric_is_missing(case: Case) -> None:
    decision = decide(*case, NOW)
    assume(any(each.wants is None for each in decision.inputs))
    assert decision.desired >= min(decision.current, case[0].most)


@always
@given(cases())
def test_the_same_in_is_the_same_out(case: Case) -> None:
    assert decide(*case, NOW) == decide(*case, NOW)


@always
@given(cases(), st.booleans())
def test_a_deployment_or_a_hand_holds_everything(case: Case, is_deploying: bool) -> None:
    policy, sample, history = case
    until = None if is_deploying else NOW + SECOND
    held = replace(history, deploying=is_deploying, by_hand_until=until, floors=())
    decision = decide(policy, sample, held, NOW)
    assert (decision.desired, decision.action) == (decision.current, Action.HOLD)


@always
@given(cases())
def test_the_rules_lead_from_the_wish_to_the_number(case: Case) -> None:
    decision = decide(*case, NOW)
    bound = [each for each in decision.clamps if each.rule is not Rule.TOLERANCE]
    for earlier, later in pairwise(bound):
        assert earlier.after == later.before
    assert decision.desired == (bound[-1].after if bound else decision.recommended)
    if decision.desired == decision.recommended == decision.current:
        assert decision.action in (Action.STAY, Action.HOLD)


@always
@given(cases())
def test_a_fallback_never_lowers(case: Case) -> None:
    policy, sample, history = case
    without = replace(policy, metrics=[replace(each, fallback=None) for each in policy.metrics])
    assert decide(policy, sample, history, NOW).desired >= (
        decide(without, sample, history, NOW).desired
    )


@always
@given(cases(), st.floats(0, 50), st.sampled_from(Kind))
def test_more_load_never_means_fewer_replicas(case: Case, more: float, kind: Kind) -> None:
    policy, sample, history = case
    assume(sample is not None)
    assert sample
    quiet = replace(
        sample,
        readings={key: _finite(reading) for key, reading in sample.readings.items()},
        replicas=[replace(each, cpu=_share(each.cpu)) for each in sample.replicas],
    )
    louder = replace(
        quiet,
        readings={
            key: Reading((reading.value or 0) + (more if key == kind else 0))
            for key, reading in quiet.readings.items()
        },
        replicas=[
            replace(each, cpu=each.cpu + more if each.cpu is not None else None)
            for each in quiet.replicas
        ],
    )
    low, high = (decide(policy, each, history, NOW) for each in (quiet, louder))
    assert high.desired >= low.desired


def _finite(reading: Reading) -> Reading:
    value = reading.value
    return Reading(value if value is not None and math.isfinite(value) and value >= 0 else 1.0)


def _share(cpu: float | None) -> float | None:
    return cpu if cpu is None or (math.isfinite(cpu) and cpu >= 0) else 0.5


def over_time(policy: Policy, first: int, samples: Sequence[Sample]) -> list[int]:
    """The numbers that a service has had when every decision is carried out at once."""
    current, had = first, [first]
    recommendations = [(NOW - timedelta(hours=1), first)]
    changes: list[Change] = []
    for tick, sample in enumerate(samples):
        at = NOW + tick * TICK
        history = History(recommendations=recommendations[-60:], changes=changes[-60:])
        seen = replace(sample, at=at, wanted=current, replicas=_replicas(sample, current))
        decision = decide(policy, seen, history, at)
        recommendations.append((at, decision.recommended))
        if decision.desired != current:
            changes.append(Change(at, current, decision.desired))
            current = decision.desired
            had.append(current)
    return had


def _replicas(sample: Sample, current: int) -> list[Seen]:
    """Those that share the CPU load of the sample, which its first replica has."""
    cpu = sample.replicas[0].cpu if sample.replicas else None
    share = None if cpu is None else min(cpu / current, 1.0)
    return [Seen(f"web-{number}", True, 600, share) for number in range(current)]


settings_of_time = st.fixed_dictionaries(
    {
        "behaviour": st.sampled_from(Behaviour),
        "up_window": st.sampled_from([0, 60]),
        "down_window": st.sampled_from([0, WINDOW]),
    }
)


def turns(had: Sequence[int]) -> int:
    """How often the number went the other way."""
    steps = [later > earlier for earlier, later in pairwise(had)]
    return sum(a != b for a, b in pairwise(steps))


@over_hours
@given(st.floats(0, 300), numbers, settings_of_time)
def test_a_constant_load_never_oscillates(load: float, first: int, more: dict[str, object]) -> None:
    policy = replace(a_policy(WAITING, most=MOST), **more)  # type: ignore[arg-type]
    had = over_time(policy, first, [a_sample(1, waiting=load)] * 80)
    assert turns(had) == 0


@over_hours
@given(st.floats(0.01, 12), st.sampled_from([0.2, 0.35, 0.5, 0.7, 0.9]), numbers, settings_of_time)
def test_a_constant_load_on_the_processors_never_oscillates(
    cores: float, target: float, first: int, more: dict[str, object]
) -> None:
    policy = replace(a_policy(cpu(target), most=MOST), **more)  # type: ignore[arg-type]
    sample = replace(a_sample(1), replicas=[Seen("web-1", True, 600, cores)])
    had = over_time(policy, first, [sample] * 80)
    assert turns(had) <= 1
    assert len(had) == len(set(had))


NOISE = 0.1 / 2.1
"""Above and below, so that the highest is a tenth more than the lowest: the tolerance."""


@over_hours
@given(
    st.floats(1, 60),
    st.lists(st.floats(-NOISE, NOISE), min_size=1, max_size=60),
    settings_of_time,
)
def test_noise_within_the_tolerance_changes_at_most_once(
    load: float, noise: Sequence[float], more: dict[str, object]
) -> None:
    """From the number that the load has without noise.

    For up to six replicas: of more, a tenth is more than half a replica, and it may be two steps.
    """
    policy = replace(a_policy(WAITING, most=6), **more)  # type: ignore[arg-type]
    settled = over_time(policy, 1, [a_sample(1, waiting=load)] * 40)[-1]
    noisy = [a_sample(1, waiting=load * (1 + each)) for each in noise]
    assert len(over_time(policy, settled, noisy)) <= 2


@over_hours
@given(
    st.floats(1, 200),
    st.lists(st.floats(-NOISE, NOISE), min_size=1, max_size=60),
    settings_of_time,
)
def test_noise_within_the_tolerance_never_brings_a_number_back(
    load: float, noise: Sequence[float], more: dict[str, object]
) -> None:
    policy = replace(a_policy(WAITING, most=MOST), **more)  # type: ignore[arg-type]
    settled = over_time(policy, 1, [a_sample(1, waiting=load)] * 40)[-1]
    noisy = [a_sample(1, waiting=load * (1 + each)) for each in noise]
    had = over_time(policy, settled, noisy)
    assert len(had) == len(set(had))
