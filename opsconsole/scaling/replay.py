"""What a policy would have done over recorded samples, and what would have come of it. Pure.

A changed number of replicas changes the samples that follow. A total stays; an average is rescaled
by the replicas, so that half as many are twice as busy. Where the samples say what one replica can
do (flow.capacity_of), what could not be done waits and makes the queue longer, the waits longer and
the replicas busy, by as much as it would have; what waited in fact and would not have is taken off.

Figures are for the interval between each sample and the one before. *Served* is what was answered,
*late* what on its arrival had more before it than is done within `late_after`, *idle* the hours of
ready replicas that had nothing to do. They are None where arrivals or the capacity are not known.
An interval of more than a minute is a gap: nothing of it is counted, and nothing waits after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite

from opsconsole.scaling.course import Course, Floors, no_floors
from opsconsole.scaling.flow import Stretch, arriving, capacity_of, cpu_in, flow, ready_in
from opsconsole.scaling.shapes import Basis, Decision, Kind, Policy, Reading, Sample, Seen

GAP_SECONDS = 60.0
STARTUP_SECONDS = 30.0
"""From asking for a replica until it serves, where it has not been measured."""
LATE_AFTER = {"web": 1.0}
LATE_AFTER_OTHERS = 120.0
"""Seconds after which an answer is late: a request's are the objective of docs/monitoring.md."""


@dataclass(frozen=True)
class Figures:
    """What came of a number of replicas. Hours are those of one replica, asked for or ready."""

    replica_hours: float
    changes: int
    served: float | None
    late: float | None
    idle_hours: float | None


@dataclass(frozen=True)
class Step:
    """At one sample: what was recorded, and what the policy would have had and decided."""

    at: datetime
    recorded: int
    """Replicas that were asked for."""
    ready: int
    """Replicas that would have served."""
    decision: Decision
    late: float | None
    """Of the interval that ends here."""


@dataclass(frozen=True)
class Replay:
    """The whole of it. `capacity` is of one replica, a second."""

    steps: Sequence[Step]
    capacity: float | None
    late_after: float
    recorded: Figures
    replayed: Figures


def replay(
    policy: Policy,
    samples: Iterable[Sample],
    *,
    floors: Floors = no_floors,
    startup: float | None = None,
    capacity: float | None = None,
    late_after: float | None = None,
) -> Replay:
    """Run the policy over samples of its service, the oldest first.

    `startup` is the measured start-up time in seconds, `floors` gives the calendar at a time.
    `capacity` is what one replica does a second, found in the samples unless it is said.
    """
    recorded = sorted(samples, key=lambda sample: sample.at)
    limit = LATE_AFTER.get(policy.service, LATE_AFTER_OTHERS) if late_after is None else late_after
    capacity = capacity or capacity_of(recorded)
    as_it_was, as_it_would_be = _Run(capacity, limit), _Run(capacity, limit)
    fleet = _Fleet(STARTUP_SECONDS if startup is None else startup)
    course, steps = Course(policy, floors), list[Step]()
    before: Sample | None = None
    for sample in recorded:
        was: Stretch | None = None
        would: Stretch | None = None
        if before is None:
            fleet.begin(sample)
        else:
            was = as_it_was.on(before, sample, before.wanted, ready_in(before))
            would = as_it_would_be.on(before, sample, fleet.asked, fleet.ready(before.at))
        decision = course.decide(_changed(policy, sample, fleet, was, would))
        late = would.late if would else None
        steps.append(Step(sample.at, sample.wanted, fleet.ready(sample.at), decision, late))
        fleet.ask(decision.desired, sample.at)
        as_it_was.changes += before is not None and sample.wanted != before.wanted
        as_it_would_be.changes += decision.desired != decision.current
        before = sample
    return Replay(steps, capacity, limit, as_it_was.figures(), as_it_would_be.figures())


class _Fleet:
    """The replicas that the policy would have: when each one serves."""

    def __init__(self, startup: float) -> None:
        self.startup = timedelta(seconds=startup)
        self._since: list[datetime] = []

    @property
    def asked(self) -> int:
        return len(self._since)

    def begin(self, sample: Sample) -> None:
        """With those that were there."""
        self._since = [sample.at] * ready_in(sample)
        self.ask(sample.wanted, sample.at)

    def ask(self, wanted: int, at: datetime) -> None:
        """More serve after the start-up time; the newest go first."""
        del self._since[wanted:]
        self._since += [at + self.startup] * (wanted - self.asked)

    def ready(self, at: datetime) -> int:
        return sum(since <= at for since in self._since)

    def seen(self, at: datetime, cpu: float | None) -> tuple[Seen, ...]:
        """As a sample shows them, each with the same share of CPU."""
        return tuple(
            Seen(f"replica-{number}", since <= at, (at - since + self.startup).total_seconds(), cpu)
            for number, since in enumerate(self._since, 1)
        )


class _Run:
    """What waits with some replicas, and the sums over the intervals."""

    def __init__(self, capacity: float | None, late_after: float) -> None:
        self.capacity, self.late_after = capacity, late_after
        self.stretches: list[Stretch] = []
        self.hours, self.changes = 0.0, 0
        self._waiting = 0.0

    def on(self, before: Sample, sample: Sample, asked: int, ready: int) -> Stretch | None:
        """Between two samples, with the replicas of the first; None where it is not known."""
        seconds = (sample.at - before.at).total_seconds()
        if not 0 < seconds <= GAP_SECONDS:
            self._waiting = 0.0
            return None
        self.hours += asked * seconds / 3600
        rate = arriving(sample)
        if rate is None or self.capacity is None:
            return None
        came = flow(self._waiting, rate, ready, self.capacity, seconds, self.late_after)
        self._waiting = came.waiting
        self.stretches.append(came)
        return came

    def figures(self) -> Figures:
        known = bool(self.stretches)
        return Figures(
            replica_hours=self.hours,
            changes=self.changes,
            served=sum(each.served for each in self.stretches) if known else None,
            late=sum(each.late for each in self.stretches) if known else None,
            idle_hours=sum(each.idle for each in self.stretches) / 3600 if known else None,
        )


def _changed(
    policy: Policy, sample: Sample, fleet: _Fleet, was: Stretch | None, would: Stretch | None
) -> Sample:
    """The sample as it would have been with the fleet's replicas."""
    ready = fleet.ready(sample.at)
    readings = dict(sample.readings)
    if ready and ready_in(sample):
        readings |= _rescaled(policy, sample, ready_in(sample) / ready)
    if was and would:
        readings |= _with_queue(readings, was, would)
    replicas = fleet.seen(sample.at, _cpu(sample, ready, would))
    return replace(sample, wanted=fleet.asked, replicas=replicas, readings=readings)


def _rescaled(policy: Policy, sample: Sample, scale: float) -> dict[str, Reading]:
    """The averages: those of the policy, and those kinds that it does not ask."""
    bases: dict[str, Basis] = {Kind.OLDEST: Basis.AVERAGE, Kind.LATENCY: Basis.AVERAGE}
    bases |= {metric.key: metric.basis for metric in policy.metrics}
    return {
        key: _of(reading, reading.value * scale)
        for key, reading in sample.readings.items()
        if reading.value is not None and bases.get(key) is Basis.AVERAGE
    }


def _with_queue(
    readings: Mapping[str, Reading], was: Stretch, would: Stretch
) -> dict[str, Reading]:
    """What waits and how long, by as much more or less as the two numbers of replicas make it."""
    more, longer = would.waiting - was.waiting, would.wait - was.wait
    added = {Kind.WAITING: more, Kind.OLDEST: longer, Kind.LATENCY: 1000 * longer}
    return {
        key: _of(readings[key], max(value + added[Kind(key)], 0.0))
        for key in added
        if key in readings and (value := readings[key].value) is not None
    }


def _of(reading: Reading, value: float) -> Reading:
    """The value, unless it has become none."""
    return replace(reading, value=value) if isfinite(value) else reading


def _cpu(sample: Sample, ready: int, would: Stretch | None) -> float | None:
    """The share that each replica would use: no more than the whole of it, which a queue takes."""
    cpu = cpu_in(sample)
    if cpu is None or not ready:
        return None
    return 1.0 if would and would.waiting else min(cpu / ready, 1.0)
