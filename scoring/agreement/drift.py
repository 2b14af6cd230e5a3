"""Agreement over time, measured on the audit sample."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from django.utils.timezone import localtime

from scoring.agreement.kappa import wilson_interval
from scoring.agreement.pairs import Pair
from scoring.agreement.shapes import AuditPeriod

DAYS_BY_DAY = 21
"""A sample that spans more days than these is reported by week."""


def drift(pairs: Sequence[Pair], step: float) -> list[AuditPeriod]:
    """The agreement of each day, or of each week over a longer time, in the active time zone.

    `step` is that of the question's scale, in points.
    """
    by_day: dict[date, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_day[localtime(pair.at).date()].append(pair)
    return [_period(first, last, part, step) for first, last, part in _spans(by_day)]


def _spans(by_day: dict[date, list[Pair]]) -> Iterator[tuple[date, date, list[Pair]]]:
    days = sorted(by_day)
    if not days or (days[-1] - days[0]).days < DAYS_BY_DAY:
        yield from ((day, day, by_day[day]) for day in days)
        return
    weeks: dict[date, list[Pair]] = defaultdict(list)
    for day in days:
        weeks[day - timedelta(days=day.weekday())] += by_day[day]
    yield from ((monday, monday + timedelta(days=6), weeks[monday]) for monday in weeks)


def _period(first: date, last: date, pairs: Sequence[Pair], step: float) -> AuditPeriod:
    exact = sum(pair.is_exact(step) for pair in pairs)
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "count": len(pairs),
        "exact": exact / len(pairs),
        "exact_interval": list(wilson_interval(exact, len(pairs))),
        "bias": sum(pair.machine - pair.people for pair in pairs) / len(pairs),
    }
