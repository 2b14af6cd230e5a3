"""The scenarios: what arrives when at which service. Seeded, times in seconds.

`web` answers a request in 0.2 s on average, two at a time in each replica: 10 a second. More than a
second is late, the objective of docs/monitoring.md; HAProxy turns away what waits for 15 s.
`worker` has an answer scored in 0.5 s, two at a time: 4 a second. More than two minutes from being
handed in to its mark is late, and nothing is turned away.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from opsconsole.scaling.shapes import Floor
from tests.bench.autoscale.arrivals import Rates, Times, evenly, poisson, through, works
from tests.bench.autoscale.service import EPOCH, Spec

WEB = Spec(slots=2, startup=20.0, least=1, most=8, late_after=1.0, patience=15.0)
WORKER = Spec(slots=2, startup=15.0, least=1, most=8, late_after=120.0)
SPECS = {"web": WEB, "worker": WORKER}
WORK = {"web": 0.2, "worker": 0.5}
SHAPE = {"web": 2.0, "worker": 4.0}
"""Of the gamma distribution of works."""
MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Window:
    """An exam that the calendar knows of: the replicas that are kept for it."""

    start: float
    end: float
    replicas: int

    def floor(self, startup: float) -> Floor:
        """As the calendar gives it, prepared ahead by the start-up time and a tick."""
        starts_at = EPOCH + timedelta(seconds=self.start)
        return Floor(
            name="exam",
            starts_at=starts_at,
            ends_at=EPOCH + timedelta(seconds=self.end),
            replicas=self.replicas,
            prepare_at=starts_at - timedelta(seconds=startup + 15),
        )


@dataclass(frozen=True)
class Scenario:
    """What arrives at `service` within `seconds`."""

    name: str
    service: str
    seconds: float
    arrivals: Callable[[np.random.Generator], list[float]]
    outages: Sequence[tuple[float, float]] = ()
    crashes: Sequence[tuple[float, float]] = ()
    windows: Sequence[Window] = ()
    begin: int = 1
    """Replicas that are there at its start."""
    step: float = 2.5
    """Of the oracle."""
    work: float = 0.0
    """Mean seconds of work of each, where it is not the service's own."""

    @property
    def spec(self) -> Spec:
        """How the service is built."""
        return SPECS[self.service]

    def drawn(self, seed: int) -> tuple[list[float], list[float]]:
        """Arrivals, and the work of each."""
        draw = np.random.default_rng(seed)
        arrivals = [at for at in self.arrivals(draw) if at < self.seconds]
        mean = self.work or WORK[self.service]
        return arrivals, works(len(arrivals), mean, SHAPE[self.service], draw)


def random(rates: Rates, most: float, seconds: float) -> Callable[..., list[float]]:
    """A Poisson process."""
    return lambda draw: poisson(rates, most, seconds, draw)


def burst(at: float, count: int, rise: float, rates: Rates) -> Rates:
    """`count` requests around `at` besides `rates`; half of them within `rise` seconds after it."""

    def both(times: Times) -> Times:
        since = np.maximum(times - at, 0.0) / rise
        return rates(times) + count / rise * since * np.exp(-since)

    return both


EXAM = burst(
    15 * MINUTE,
    6_000,
    30.0,
    through(
        (0, 2),
        (10 * MINUTE, 4),
        (15 * MINUTE, 12),
        (18 * MINUTE, 28),
        (HOUR, 28),
        (61 * MINUTE, 3),
    ),
)
HAND_IN = burst(15 * MINUTE, 5_000, 12.0, through((0, 1.0), (HOUR, 1.0)))
LUNCH = through(
    (0, 50),
    (20 * MINUTE, 50),
    (23 * MINUTE, 6),
    (58 * MINUTE, 6),
    (HOUR, 50),
)
RAMP = through((0, 4), (40 * MINUTE, 68), (HOUR, 68), (80 * MINUTE, 4))
PEAK = through((0, 8), (10 * MINUTE, 60), (28 * MINUTE, 60), (36 * MINUTE, 8))


def noisy(draw: np.random.Generator) -> list[float]:
    """42 a second, and in each tick up to 5 % more or fewer."""
    return evenly((42 * draw.uniform(0.95, 1.05, int(HOUR / 15))).tolist(), 15.0)


def square(times: Times) -> Times:
    """60 and 5 a second, each for five minutes."""
    return np.where(times % 600 < 300, 60.0, 5.0)


MARKING = (0.1, 0.1, 2, 2, 0.5, 0.5, 2, 2, 0.3, 0.1)
"""Requests a second at the hours of a day."""


def exam_day(times: Times) -> Times:
    """A day of three exams, people who mark from eight to six but for lunch, and quiet nights."""
    hours = (0, 7.5, 8.5, 12, 12.2, 13, 13.2, 17.5, 18.5, 24)
    marking = through(*zip(np.asarray(hours) * HOUR, MARKING, strict=True))
    total = marking(times)
    for start, minutes, share in ((9, 60, 1.0), (13.5, 90, 0.7), (16, 60, 0.5)):
        bell = start * HOUR
        during = (times >= bell) & (times < bell + minutes * MINUTE)
        since = np.maximum(times - bell, 0.0) / 25
        total = total + share * (during * 6.0 + 1_800 / 25 * since * np.exp(-since))
    return total


SCENARIOS = (
    Scenario(
        "exam-start burst",
        "web",
        75 * MINUTE,
        random(EXAM, 110, 75 * MINUTE),
        windows=[Window(15 * MINUTE, 18 * MINUTE, 8)],
    ),
    Scenario(
        "all hand in at the bell",
        "worker",
        40 * MINUTE,
        random(HAND_IN, 160, 40 * MINUTE),
        windows=[Window(15 * MINUTE, 18 * MINUTE, 8)],
    ),
    Scenario("lunch dip", "web", 80 * MINUTE, random(LUNCH, 50, 80 * MINUTE), begin=7),
    Scenario("slow ramp", "web", 80 * MINUTE, random(RAMP, 68, 80 * MINUTE)),
    Scenario("on/off square wave", "web", 40 * MINUTE, random(square, 60, 40 * MINUTE), begin=8),
    Scenario("5 % noise", "web", 30 * MINUTE, noisy, begin=6),
    Scenario(
        "metric outage at the peak",
        "web",
        40 * MINUTE,
        random(PEAK, 60, 40 * MINUTE),
        outages=[(14 * MINUTE, 24 * MINUTE)],
    ),
    Scenario(
        "a third of the replicas crash",
        "web",
        30 * MINUTE,
        random(lambda at: np.full_like(at, 45.0), 45, 30 * MINUTE),
        crashes=[(15 * MINUTE, 1 / 3)],
        begin=6,
    ),
    Scenario(
        "a modelled exam day",
        "web",
        24 * HOUR,
        random(exam_day, 45, 24 * HOUR),
        windows=[
            Window(9 * HOUR, 9.05 * HOUR, 5),
            Window(13.5 * HOUR, 13.55 * HOUR, 4),
            Window(16 * HOUR, 16.05 * HOUR, 3),
        ],
        step=15.0,
    ),
)
