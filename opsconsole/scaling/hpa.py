"""How many replicas one metric wants: the algorithm of Kubernetes' HorizontalPodAutoscaler. Pure.

Source: replica_calculator.go of Kubernetes' pkg/controller/podautoscaler, autoscaling/v2. Where a
digit depends on it, numbers are fractions: 1.1 is within a tolerance of 0.1, which it is not as a
float. A metric that wants more never lowers, and one that wants less never raises, whatever number
of replicas is ready; upstream has that for CPU with missing replicas alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from opsconsole.scaling.shapes import Basis, Kind, Metric, Policy, Sample, Seen
from opsconsole.scaling.troubles import Trouble

HIGHEST = 9_999
"""More replicas than any policy has; a metric that wants more wants so many."""


@dataclass(frozen=True)
class Wish:
    """What a metric wants; `exact` is what it would want without tolerance."""

    value: float | None = None
    wants: int | None = None
    exact: int | None = None
    trouble: str = ""


def wish(metric: Metric, policy: Policy, sample: Sample) -> Wish:
    """What the metric wants, by the sample."""
    reading = sample.readings.get(metric.key)
    if reading and reading.trouble:
        return Wish(trouble=reading.trouble)
    tolerance = exactly(policy.tolerance)
    target = exactly(metric.target)
    if metric.kind is Kind.CPU:
        return of_cpu(sample.replicas, sample.wanted, target, tolerance, policy.warm_up)
    if trouble := trouble_of(reading.value if reading else None):
        return Wish(trouble=trouble)
    value = reading.value if reading and reading.value is not None else 0.0
    ready = sum(each.ready for each in sample.replicas)
    of = of_total if metric.basis is Basis.TOTAL else of_average
    return of(value, sample.wanted, ready, target, tolerance)


def trouble_of(value: float | None) -> str:
    """Why the value is none; "" where it is one."""
    if value is None:
        return Trouble.NO_VALUE
    if not math.isfinite(value):
        return Trouble.NOT_FINITE
    return Trouble.NEGATIVE if value < 0 else ""


def exactly(number: float) -> Fraction:
    """The decimal number that the float is written as."""
    return Fraction(str(number))


def of_total(value: float, current: int, ready: int, target: Fraction, tolerance: Fraction) -> Wish:
    """As many replicas as targets fit into the value."""
    fits = min(math.ceil(exactly(value) / target), HIGHEST)
    near = current > 0 and abs(1 - exactly(value) / (target * current)) <= tolerance
    wants = current if near else fits
    if wants < current and not ready:
        return Wish(value=value, trouble=Trouble.NONE_READY)
    return Wish(value, wants, fits)


def of_average(
    value: float, current: int, ready: int, target: Fraction, tolerance: Fraction
) -> Wish:
    """Those that are ready, times the ratio of the value to the target."""
    if not ready:
        return Wish(value=value, trouble=Trouble.NONE_READY)
    return _by_ratio(value, exactly(value) / target, ready, current, tolerance)


def of_cpu(
    replicas: Sequence[Seen], current: int, target: Fraction, tolerance: Fraction, warm_up: int
) -> Wish:
    """By the mean share of the limit, in whole percent, the fraction cut off.

    What is not known counts against the change: upwards, a replica that starts and one without a
    value use nothing; downwards, one without a value uses all that it may, or the target where that
    is more, and one that starts is left out. If that turns the direction round, nothing changes.
    """
    old = [each for each in replicas if not _is_starting(each, warm_up)]
    known = [exactly(each.cpu) for each in old if each.cpu is not None and not trouble_of(each.cpu)]
    if not known:
        return Wish(trouble=Trouble.NO_CPU)
    missing = len(old) - len(known)
    starting = max(current, len(replicas)) - len(old)
    seen = _utilisation(known)
    if seen > target:
        counted = known + [Fraction(0)] * (missing + starting)
    elif seen < target:
        counted = known + [max(Fraction(1), target)] * missing
    else:
        counted = known
    value = float(seen)
    assumed = _utilisation(counted)
    if (seen - target) * (assumed - target) < 0:
        return Wish(value, current, current)
    return _by_ratio(value, assumed / target, len(counted), current, tolerance)


def _is_starting(replica: Seen, warm_up: int) -> bool:
    """Not ready, and not yet for longer than a start takes; or nobody knows for how long."""
    return not replica.ready and (replica.age is None or replica.age < warm_up)


def _utilisation(shares: Sequence[Fraction]) -> Fraction:
    return Fraction(math.floor(100 * sum(shares) / len(shares)), 100)


def _by_ratio(
    value: float, ratio: Fraction, replicas: int, current: int, tolerance: Fraction
) -> Wish:
    fits = min(math.ceil(ratio * replicas), HIGHEST)
    exact = max(current, fits) if ratio > 1 else min(current, fits)
    near = abs(1 - ratio) <= tolerance
    return Wish(value, current if near else exact, exact)
