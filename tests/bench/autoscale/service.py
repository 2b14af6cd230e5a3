"""The simulated service: one queue, replicas with slots, every event at its own time.

Arrivals are open-loop: they come when they come, however long others wait. A replica takes the
start-up time before its slots take work. One that is given up on the way down finishes what it has
begun and takes no more. One that crashes starts again at once; what it had begun waits once more,
in front, as answers do whose worker died. All times are in seconds since the start.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from opsconsole.scaling.shapes import Reading, Sample, Seen

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STARTING_CPU = 0.9
"""Share of its limit that a starting replica uses, which says nothing of the load."""

LOOKED_BACK = 60.0
"""Seconds of answers of which the 95th percentile is taken, as from HAProxy's lines."""


@dataclass(frozen=True)
class Spec:
    """How the service is built. Seconds."""

    slots: int
    """Requests or answers that one replica works on at the same time."""
    startup: float
    least: int
    most: int
    late_after: float
    """From arrival to answer, beyond which it is late."""
    patience: float = math.inf
    """How long one waits for a slot before it is turned away: `timeout queue` of HAProxy."""


class Replica:
    """One replica; `lives` grows with each crash, and makes what it had begun void."""

    __slots__ = (
        "begun",
        "came_at",
        "items",
        "leaving",
        "lives",
        "number",
        "ready_at",
        "started_at",
    )

    def __init__(self, number: int, came_at: float) -> None:
        self.number, self.came_at = number, came_at
        self.started_at = self.ready_at = came_at
        self.lives = 0
        self.leaving = False
        self.items: dict[int, float] = {}
        """The end of each item that is being worked on, by its index."""
        self.begun = 0.0
        """Seconds of work begun since the last sample, and those that were left then."""


class Control(Protocol):
    """Who decides how many replicas are wanted.

    Asked every `period` seconds, and with `eager` after every arrival and every end too.
    """

    period: float
    eager: bool

    def wanted(self, service: "Service") -> int:
        """The number, from what can be seen of the service now."""
        ...


@dataclass
class Outcome:
    """What came of one run."""

    arrived: int
    late: int = 0
    lost: int = 0
    again: int = 0
    """Items that were begun once more, because their replica crashed."""
    changes: int = 0
    replica_hours: float = 0.0
    busy_hours: float = 0.0
    starting_hours: float = 0.0
    response: float = 0.0
    """Mean seconds from arrival to answer of those that were not lost."""
    waited: int = 0
    """How many found no free slot."""
    samples: list[Sample] = field(default_factory=list)
    track: list[tuple[float, int, int]] = field(default_factory=list)
    """At each tick: the time, replicas that were asked for, items that waited for a slot."""


class Service:
    """One run of the service. `arrivals` ascend; `works` are the seconds of work of each."""

    def __init__(
        self,
        spec: Spec,
        arrivals: Sequence[float],
        works: Sequence[float],
        *,
        start_with: int = 0,
        outages: Sequence[tuple[float, float]] = (),
        crashes: Sequence[tuple[float, float]] = (),
        keep_samples: bool = False,
    ) -> None:
        """`outages` are intervals without metrics, `crashes` are (time, share of replicas)."""
        self.spec, self.arrivals, self.works = spec, arrivals, works
        self.outages, self.crashes, self.keep_samples = outages, crashes, keep_samples
        self.now, self.asked = 0.0, 0
        self.in_service = 0
        """Items that are being worked on."""
        self.queue: deque[int] = deque()
        self.idle: deque[tuple[Replica, int]] = deque()
        self.replicas: list[Replica] = []
        self._starting: list[Replica] = []
        self.outcome = Outcome(len(arrivals))
        self._events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._numbers = 0
        self._arrived_at_tick, self._ticked_at = 0, 0.0
        self._next = 0
        self._answered: deque[tuple[float, float]] = deque()
        self._responses, self._finished_at = 0.0, 0.0
        self._begin(max(start_with, spec.least))

    # What a control may see

    @property
    def time(self) -> datetime:
        """The time as a date."""
        return EPOCH + timedelta(seconds=self.now)

    def sample(self) -> Sample:
        """What would be seen of the service since the last sample."""
        seconds = max(self.now - self._ticked_at, 1e-9)
        blind = any(start <= self.now < end for start, end in self.outages)
        replicas = [self._seen(replica, seconds, blind) for replica in self.replicas]
        sample = Sample(
            at=self.time,
            service="simulated",
            wanted=self.asked,
            replicas=replicas,
            readings=self._readings(seconds, blind),
        )
        self._ticked_at, self._arrived_at_tick = self.now, self._next
        if self.keep_samples:
            self.outcome.samples.append(sample)
        return sample

    def _seen(self, replica: Replica, seconds: float, blind: bool) -> Seen:
        left = sum(end - self.now for end in replica.items.values())
        busy, replica.begun = replica.begun - left, left
        ready = replica.ready_at <= self.now
        cpu = min(max(busy, 0.0) / (seconds * self.spec.slots), 1.0) if ready else STARTING_CPU
        return Seen(
            name=f"replica-{replica.number}",
            ready=ready and not blind,
            age=self.now - replica.started_at,
            cpu=None if blind else cpu,
        )

    def _readings(self, seconds: float, blind: bool) -> dict[str, Reading]:
        if blind:
            names = ("waiting", "oldest", "requests", "latency")
            return {name: Reading(trouble="not to be had") for name in names}
        self._turn_away()
        while self._answered and self._answered[0][0] < self.now - LOOKED_BACK:
            self._answered.popleft()
        answered = [seconds for _, seconds in self._answered]
        oldest = self.now - self.arrivals[self.queue[0]] if self.queue else 0.0
        return {
            "waiting": Reading(float(len(self.queue) + self.in_service)),
            "oldest": Reading(oldest),
            "requests": Reading((self._next - self._arrived_at_tick) / seconds),
            "latency": Reading(1000 * percentile(answered, 0.95)),
        }

    # What happens

    def run(self, control: Control, end: float) -> Outcome:
        """Let arrivals come until `end`, then what is begun and waits be finished."""
        self._ask(max(control.wanted(self), 0), counts=False)
        for at, share in self.crashes:
            self._at(at, self._crash, share)
        self._at(control.period, self._tick, control, end)
        events, arrivals = self._events, self.arrivals
        total = len(arrivals)
        while events or self._next < total:
            if self._next < total and (not events or arrivals[self._next] <= events[0][0]):
                self.now = arrivals[self._next]
                self._arrive()
            else:
                self.now, _, deed, words = heapq.heappop(events)
                deed(*words)
            if control.eager:
                self._ask(control.wanted(self))
        self.now = max(end, self._finished_at)
        for replica in list(self.replicas):
            self._gone(replica)
        answered = self.outcome.arrived - self.outcome.lost
        self.outcome.response = self._responses / answered if answered else 0.0
        return self.outcome

    def _at(self, at: float, deed: Callable[..., None], *words: object) -> None:
        self._numbers += 1
        heapq.heappush(self._events, (at, self._numbers, deed, words))

    def _tick(self, control: Control, end: float) -> None:
        self._ask(control.wanted(self))
        self.outcome.track.append((self.now, self.asked, len(self.queue)))
        unfinished = self._next < len(self.arrivals) or self.queue
        if self.now + control.period <= end or unfinished:
            self._at(self.now + control.period, self._tick, control, end)

    def _arrive(self) -> None:
        index = self._next
        self._next += 1
        replica = self._free()
        if replica is None:
            self.outcome.waited += 1
            self.queue.append(index)
        else:
            self._work(replica, index)

    def _free(self) -> Replica | None:
        """A free slot's replica, the one that has been free longest."""
        while self.idle:
            replica, lives = self.idle.popleft()
            if not replica.leaving and lives == replica.lives:
                return replica
        return None

    def _work(self, replica: Replica, index: int) -> None:
        work = self.works[index]
        end = self.now + work
        replica.items[index] = end
        replica.begun += work
        self.in_service += 1
        self._at(end, self._finish, replica, index, replica.lives)

    def _finish(self, replica: Replica, index: int, lives: int) -> None:
        if lives != replica.lives:
            return  # it crashed, and the item has been begun again elsewhere
        del replica.items[index]
        self.in_service -= 1
        self._finished_at = self.now
        self.outcome.busy_hours += self.works[index] / 3600 / self.spec.slots
        seconds = self.now - self.arrivals[index]
        self._responses += seconds
        self._answered.append((self.now, seconds))
        self.outcome.late += seconds > self.spec.late_after
        if replica.leaving:
            if not replica.items:
                self._gone(replica)
        else:
            self._take(replica)

    def _take(self, replica: Replica) -> None:
        """The free slot takes what waits, or waits itself."""
        self._turn_away()
        if self.queue:
            self._work(replica, self.queue.popleft())
        else:
            self.idle.append((replica, replica.lives))

    def _turn_away(self) -> None:
        while self.queue and self.now - self.arrivals[self.queue[0]] > self.spec.patience:
            self.queue.popleft()
            self.outcome.lost += 1
            self.outcome.late += 1

    def _crash(self, share: float) -> None:
        ready = [r for r in self.replicas if r.ready_at <= self.now and not r.leaving]
        for replica in ready[: math.ceil(share * len(ready))]:
            interrupted = sorted(replica.items)
            self.outcome.again += len(interrupted)
            self.in_service -= len(interrupted)
            self.queue.extendleft(reversed(interrupted))
            replica.items, replica.begun = {}, 0.0
            replica.lives += 1
            self._start(replica)
        self._hand_out()

    def _hand_out(self) -> None:
        while self.queue and (replica := self._free()):
            self._work(replica, self.queue.popleft())

    # Replicas come and go

    def _begin(self, count: int) -> None:
        """Replicas that were there before."""
        for _ in range(count):
            replica = self._new()
            replica.started_at = -self.spec.startup
            self._serve(replica)
        self.asked = count

    def _ask(self, wanted: int, *, counts: bool = True) -> None:
        wanted = min(max(wanted, self.spec.least), self.spec.most)
        self.outcome.changes += counts and wanted != self.asked
        for _ in range(wanted - self.asked):
            self._start(self._new())
        for _ in range(self.asked - wanted):
            self._leave(self._dispensable())
        self.asked = wanted

    def _dispensable(self) -> Replica:
        """One that is not ready, else one without work, else the newest."""
        if self._starting:
            return self._starting.pop()
        staying = (replica for replica in self.replicas if not replica.leaving)
        return max(staying, key=lambda replica: (not replica.items, replica.ready_at))

    def _new(self) -> Replica:
        self._numbers += 1
        replica = Replica(self._numbers, self.now)
        self.replicas.append(replica)
        return replica

    def _start(self, replica: Replica) -> None:
        replica.started_at, replica.ready_at = self.now, self.now + self.spec.startup
        self._starting.append(replica)
        self._at(replica.ready_at, self._ready, replica, replica.lives)

    def _ready(self, replica: Replica, lives: int) -> None:
        if lives == replica.lives and not replica.leaving:
            self._starting.remove(replica)
            self.outcome.starting_hours += self.spec.startup / 3600
            self._serve(replica)

    def _serve(self, replica: Replica) -> None:
        for _ in range(self.spec.slots):
            self._take(replica)

    def _leave(self, replica: Replica) -> None:
        replica.leaving = True
        if replica.ready_at > self.now:
            self.outcome.starting_hours += (self.now - replica.started_at) / 3600
        if not replica.items:
            self._gone(replica)

    def _gone(self, replica: Replica) -> None:
        self.replicas.remove(replica)
        self.outcome.replica_hours += (self.now - replica.came_at) / 3600


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank; 0 where there is nothing, as nobody waited."""
    if not values:
        return 0.0
    return sorted(values)[min(math.ceil(share * len(values)), len(values)) - 1]
