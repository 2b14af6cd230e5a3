"""Rates: how far the number of replicas may go within a period. Pure.

A rate counts from the number at the start of its period: changes of both directions within it are
taken back first, those that the policy itself has made. Percentages are rounded up upwards, lest
nothing ever grow, and down downwards: at 10 % a period 80 become 72 and then 64.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsconsole.scaling.shapes import By, Change, Rate, Unit

FACTOR = 2
"""In the plain form the number at most doubles at once, …"""
AT_ONCE = 4
"""… or rises to so many."""


@dataclass(frozen=True)
class Limit:
    """How far the number may go now, and when it may go further."""

    number: int
    until: datetime | None = None


def upwards(
    current: int, rates: Sequence[Rate], changes: Iterable[Change], at: datetime
) -> Limit | None:
    """The most replicas that the rates allow, and not less than now; None without a rate."""
    if not rates:
        return None
    changes = tuple(changes)
    numbers = [_raised(_at_start(current, rate, changes, at), rate) for rate in rates]
    rising = [each for each in changes if each.after > each.before]
    return Limit(max(current, *numbers), _freed_at(rates, rising, at))


def downwards(
    current: int, rates: Sequence[Rate], changes: Iterable[Change], at: datetime
) -> Limit | None:
    """The least replicas that the rates allow, and not more than now; None without a rate."""
    if not rates:
        return None
    changes = tuple(changes)
    numbers = [_lowered(_at_start(current, rate, changes, at), rate) for rate in rates]
    falling = [each for each in changes if each.after < each.before]
    return Limit(max(0, min(current, *numbers)), _freed_at(rates, falling, at))


def upwards_plainly(current: int) -> int:
    """The most replicas of the plain form."""
    return max(FACTOR * current, AT_ONCE)


def _at_start(current: int, rate: Rate, changes: Iterable[Change], at: datetime) -> int:
    return current - sum(each.after - each.before for each in _counted(changes, rate, at))


def _counted(changes: Iterable[Change], rate: Rate, at: datetime) -> list[Change]:
    """The policy's own changes within the period; what people set is where it goes on from."""
    start = at - timedelta(seconds=rate.seconds)
    return [each for each in changes if each.by is By.POLICY and start < each.at <= at]


def _raised(number: int, rate: Rate) -> int:
    if rate.unit is Unit.REPLICAS:
        return number + rate.value
    return -(-number * (100 + rate.value) // 100)


def _lowered(number: int, rate: Rate) -> int:
    if rate.unit is Unit.REPLICAS:
        return number - rate.value
    return number * (100 - rate.value) // 100


def _freed_at(rates: Sequence[Rate], changes: Sequence[Change], at: datetime) -> datetime:
    """When the oldest change that a rate counts leaves its period; the present one, if none is."""
    oldest = [
        (rate, min((each.at for each in _counted(changes, rate, at)), default=at)) for rate in rates
    ]
    return min(time + timedelta(seconds=rate.seconds) for rate, time in oldest)
