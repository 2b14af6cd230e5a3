"""Policies, samples and histories of the tests, around one moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from opsconsole.scaling.decide import decide
from opsconsole.scaling.shapes import (
    Basis,
    By,
    Change,
    Decision,
    History,
    Kind,
    Metric,
    Policy,
    Reading,
    Room,
    Sample,
    Seen,
)

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = 15 * SECOND

WAITING = Metric(Kind.WAITING, 10, Basis.TOTAL)
OLDEST = Metric(Kind.OLDEST, 60, Basis.AVERAGE)
QUERY = Metric(Kind.QUERY, 10, Basis.TOTAL, query="up")


def cpu(target: float) -> Metric:
    return Metric(Kind.CPU, target, Basis.AVERAGE)


def a_policy(*metrics: Metric, **more: Any) -> Policy:
    """For worker, 1 to 100 replicas, by waiting answers."""
    fields: dict[str, Any] = {"least": 1, "most": 100} | more
    return Policy("worker", metrics=metrics or (WAITING,), **fields)


def a_replica(
    name: str = "worker-1", cpu: float | None = None, ready: bool = True, age: float | None = 600
) -> Seen:
    return Seen(name, ready, age, cpu)


def replicas(count: int) -> Sequence[Seen]:
    return [a_replica(f"worker-{number}") for number in range(1, count + 1)]


def a_sample(wanted: int, **values: float | None) -> Sample:
    """So many replicas, all ready, and readings by their keys; None is a reading that failed."""
    readings = {
        key: Reading(value, "" if value is not None else "away") for key, value in values.items()
    }
    return Sample(NOW, "worker", wanted, replicas(wanted), readings)


def with_room(sample: Sample, **room: Any) -> Sample:
    """The sample with what is there for more replicas."""
    return replace(sample, room=Room(**room))


def settled(*numbers: int, before: timedelta = TICK) -> History:
    """What was recommended at the last ticks, the newest last; before that, the first of them."""
    newest = [
        (NOW - index * before, number) for index, number in enumerate(reversed(numbers), start=1)
    ]
    return History(recommendations=[(NOW - timedelta(hours=1), numbers[0]), *reversed(newest)])


def changed(*changes: tuple[int, int, int], by: By = By.POLICY) -> Sequence[Change]:
    """By how many seconds ago, the number before and after."""
    return [Change(NOW - ago * SECOND, before, after, by) for ago, before, after in changes]


def decided(
    policy: Policy, sample: Sample | None, history: History | None = None, **more: Any
) -> Decision:
    """At NOW; more is of the history."""
    return decide(policy, sample, replace(history or History(), **more), NOW)
