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
ROOM = 0.4
"""Of what a site at rest answers, the share that leaves room for a deployment."""
TRYING = 4.0
"""Seconds for which it is tried how many requests a site answers."""


def answers_for(
    seconds: float, hand_in: Callable[[int], object], drain: Callable[[], float]
) -> int:
    """So many answers as take about that long to score, within LEAST and MOST.

    `hand_in` hands in so many; `drain` waits until all are scored and returns the seconds.
    """
    hand_in(FEW)
    return int(min(max(seconds * FEW / drain(), LEAST), MOST))


def rate_for(door: Api, share: float = ROOM) -> float:
    """Requests a second: a share of those that the site answers at rest, but at most FASTEST.

    More than a machine can answer pile up until the balancer refuses what one address has under
    way.
    """
    return min(share * answered_by(door), FASTEST)


@cache
def answered_by(door: Api) -> float:
    """Requests a second that the site, at rest when it is first asked, answers one by one."""
    paths = cycle(path for method, path, body in CALLS if (method, path, body) != SCORING)
    answered, began = 0, time.monotonic()
    with door.client() as client:
        while time.monotonic() - began < TRYING:
            client.get(next(paths)).raise_for_status()
            answered += 1
    return answered / (time.monotonic() - began)
