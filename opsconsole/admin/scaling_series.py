"""What the chart of a policy is drawn of: loads and replicas by intervals of one length.

Two weeks have some 80,000 decisions of each policy, so PostgreSQL gathers them. Of the loads in an
interval the highest counts, for a mean would hide the peak for which somebody looks at the chart;
of the replicas the last number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.timezone import localtime, now
from django.utils.translation import gettext_lazy as _

from opsconsole.models import ScalingDecision, ScalingPolicy

MOST_CHANGES = 100
"""Changes that are marked on a chart; the list of decisions has them all."""

REPLICAS = """
SELECT date_bin(%(each)s, at, %(midnight)s) AS began,
       (array_agg(current ORDER BY at DESC))[1], (array_agg(desired ORDER BY at DESC))[1]
  FROM opsconsole_scalingdecision
 WHERE policy_id = %(policy)s AND at >= %(start)s AND at < %(end)s
 GROUP BY began ORDER BY began
"""
READY = """
SELECT date_bin(%(each)s, at, %(midnight)s) AS began,
       (array_agg(jsonb_array_length(
           jsonb_path_query_array(content, '$.replicas[*] ? (@.ready == true)')
       ) ORDER BY at DESC))[1]
  FROM opsconsole_scalingsample
 WHERE environment_id = %(environment)s AND service = %(service)s AND NOT hours
       AND at >= %(start)s AND at < %(end)s
 GROUP BY began
"""
LOADS = """
SELECT date_bin(%(each)s, at, %(midnight)s) AS began, input->>'key',
       max((input->>'value')::float),
       max((input->>'target')::float
           * CASE input->>'basis' WHEN 'total' THEN current ELSE 1 END)
  FROM opsconsole_scalingdecision, jsonb_array_elements(inputs) AS input
 WHERE policy_id = %(policy)s AND at >= %(start)s AND at < %(end)s
 GROUP BY began, input->>'key' ORDER BY began
"""


@dataclass(frozen=True)
class Span:
    """How far back a chart goes, in intervals of `each`.

    Its table has a row for each `row`, its axis a time for each `tick`.
    """

    code: str
    name: Promise
    length: timedelta
    each: timedelta
    row: timedelta
    tick: timedelta
    every: int
    """Seconds after which the page is fetched anew."""


HOURS, DAYS = timedelta(hours=1), timedelta(days=1)
SPANS = {
    span.code: span
    for span in (
        Span("hour", _("1 hour"), HOURS, HOURS / 120, HOURS / 12, HOURS / 6, 5),
        Span("day", _("24 hours"), DAYS, HOURS / 12, HOURS, 4 * HOURS, 30),
        Span("fortnight", _("14 days"), 14 * DAYS, HOURS, DAYS, 2 * DAYS, 300),
    )
}


@dataclass(frozen=True)
class Replicas:
    """How many ran, were asked for, and were decided on, in the interval that began at `at`."""

    at: datetime
    ready: int | None
    current: int
    desired: int


@dataclass(frozen=True)
class Load:
    """The highest value of a metric in the interval, and what the replicas are to bear of it."""

    at: datetime
    value: float | None
    bears: float | None


@dataclass(frozen=True)
class Series:
    """Everything that a chart shows."""

    span: Span
    start: datetime
    end: datetime
    replicas: Sequence[Replicas] = ()
    loads: dict[str, list[Load]] = field(default_factory=dict)
    changes: Sequence[ScalingDecision] = ()
    changes_in_all: int = 0


def series(policy: ScalingPolicy, span: Span, at: datetime | None = None) -> Series:
    """Of one policy, until now."""
    end = (at or now()) + timedelta(microseconds=1)
    start = end - span.length
    wanted = {
        "policy": policy.pk,
        "environment": policy.environment_id,
        "service": policy.service,
        "each": span.each,
        # Whatever the time is, an interval begins and ends where it did a moment ago.
        "midnight": localtime(end).replace(hour=0, minute=0, second=0, microsecond=0),
        "start": start,
        "end": end,
    }
    ready = dict(_rows(READY, wanted))
    loads: dict[str, list[Load]] = {}
    for began, key, value, bears in _rows(LOADS, wanted):
        loads.setdefault(key, []).append(Load(began, value, bears))
    changes = policy.decisions.between(start, end).changing()
    count = changes.count()
    return Series(
        span=span,
        start=start,
        end=end,
        replicas=[
            Replicas(began, ready.get(began), current, desired)
            for began, current, desired in _rows(REPLICAS, wanted)
        ],
        loads=loads,
        changes=list(changes.order_by("-at")[:MOST_CHANGES])[::-1],
        changes_in_all=count,
    )


def _rows(query: str, wanted: dict[str, Any]) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, wanted)
        yield from cursor.fetchall()
