"""What arrives at a service, what a replica can do, and what waits, from samples alone. Pure.

Between two samples the service is taken for a fluid: work arrives at one rate and is done at one
speed, first come first served. So lateness is a share of the time, not a count of single requests.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from opsconsole.scaling.shapes import Kind, Sample

ARRIVALS, RATE = "arrivals", "rate"
"""Readings of answers a second, which come and which are scored."""
BUSY, FULL = 0.05, 0.9
"""Shares of CPU between which it tells what a request costs: beneath them that drowns in what a
replica does anyway, and above them more may arrive than is done."""
FASTEST = 0.95
"""Of the speeds seen, the share beneath the one that counts: the very highest may be an error."""


def arriving(sample: Sample) -> float | None:
    """Requests through HAProxy, else answers, a second, since the sample before."""
    for key in (Kind.REQUESTS, ARRIVALS):
        reading = sample.readings.get(key)
        if reading and reading.value is not None:
            return reading.value
    return None


def ready_in(sample: Sample) -> int:
    """Replicas that were ready."""
    return sum(seen.ready for seen in sample.replicas)


def cpu_in(sample: Sample) -> float | None:
    """Whole replicas' worth of CPU that those that are ready use; None where it is not known."""
    shares = [seen.cpu for seen in sample.replicas if seen.ready]
    known = [share for share in shares if share is not None]
    return sum(known) if known and len(known) == len(shares) else None


def capacity_of(samples: Sequence[Sample]) -> float | None:
    """Requests or answers a second that one replica can do; None where the samples do not say.

    Requests cost CPU, so their capacity is what they would be at the whole of it, the median over
    samples with a load. Answers wait for the inference service, so theirs is the speed at which
    they were scored while some waited, which 95 of 100 samples do not exceed.
    """
    by_cpu = [speed for sample in samples if (speed := _by_cpu(sample))]
    if by_cpu:
        return statistics.median(by_cpu)
    by_queue = sorted(speed for sample in samples if (speed := _by_queue(sample)))
    return by_queue[int(FASTEST * (len(by_queue) - 1))] if by_queue else None


def _by_cpu(sample: Sample) -> float | None:
    requests, cpu = sample.readings.get(Kind.REQUESTS), cpu_in(sample)
    if not requests or not requests.value or not cpu:
        return None
    return requests.value / cpu if BUSY <= cpu / ready_in(sample) <= FULL else None


def _by_queue(sample: Sample) -> float | None:
    rate, waiting = sample.readings.get(RATE), sample.readings.get(Kind.WAITING)
    if not rate or not rate.value or not waiting or not waiting.value:
        return None
    return rate.value / ready if (ready := ready_in(sample)) else None


@dataclass(frozen=True)
class Stretch:
    """What happened between two samples; counts, and seconds of one replica."""

    arrived: float
    served: float
    late: float
    idle: float
    waiting: float
    """At its end."""
    wait: float
    """Seconds that who comes at its end waits; infinite where no replica serves."""


def flow(
    waiting: float, rate: float, replicas: int, capacity: float, seconds: float, late_after: float
) -> Stretch:
    """So much waits at first, and arrives at the rate; so many replicas serve it.

    Late is who on arrival has more before it than is done within `late_after` seconds.
    """
    speed = replicas * capacity
    arrived = rate * seconds
    served = min(waiting + arrived, speed * seconds)
    left = waiting + arrived - served
    share = _share_above(late_after * speed, waiting, waiting + (rate - speed) * seconds)
    return Stretch(
        arrived=arrived,
        served=served,
        late=arrived * (share if speed else 1.0),
        idle=(speed * seconds - served) / capacity,
        waiting=left,
        wait=left / speed if speed else float("inf"),
    )


def _share_above(level: float, first: float, last: float) -> float:
    """The share of a straight line from `first` to `last` that is above the level."""
    low, high = min(first, last), max(first, last)
    if high <= level:
        return 0.0
    return 1.0 if low >= level else (high - level) / (high - low)
