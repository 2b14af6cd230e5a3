"""How much a drill asks of a machine: one that works slowly is given less."""

import os
import time
from collections.abc import Callable
from functools import cache
from itertools import cycle

from tests.drills.calling import CALLS, SCORING
from tests.stack.callers import Api

FEW = 100
"""Answers by which the pace is found out."""
LEAST, MOST = 600, 5000
"""Answers that are a queue, and those that keep a fast machine at work for minutes."""
FASTEST = float(os.environ.get("DRILL_RATE", "50"))
"""Requests a second that a drill makes at most. Fewer are for machines that have other work too."""
TRYING = 4.0
"""Seconds for which it is tried how many requests a site answers one after another."""


def answers_for(
    seconds: float, hand_in: Callable[[int], object], drain: Callable[[], float]
) -> int:
    """So many answers as take about that long to score, within LEAST and MOST.

    `hand_in` hands in so many; `drain` waits until all are scored and returns the seconds.
    """
    hand_in(FEW)
    return int(min(max(seconds * FEW / drain(), LEAST), MOST))


@cache
def rate_for(door: Api) -> float:
    """The requests a second that the site answers one after another, but at most FASTEST.

    They keep one web container busy and leave room for others. More than a machine can answer pile
    up until the balancer refuses what one address has under way.
    """
    paths = cycle(path for method, path, body in CALLS if (method, path, body) != SCORING)
    answered, began = 0, time.monotonic()
    with door.client() as client:
        while time.monotonic() - began < TRYING:
            client.get(next(paths)).raise_for_status()
            answered += 1
    return min(answered / (time.monotonic() - began), FASTEST)
