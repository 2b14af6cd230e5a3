"""How many answers a drill hands in: a machine that scores slowly is given fewer."""

from collections.abc import Callable

FEW = 100
"""Answers by which the pace is found out."""
LEAST, MOST = 600, 5000
"""Answers that are a queue, and those that keep a fast machine at work for minutes."""


def answers_for(
    seconds: float, hand_in: Callable[[int], object], drain: Callable[[], float]
) -> int:
    """So many answers as take about that long to score, within LEAST and MOST.

    `hand_in` hands in so many; `drain` waits until all are scored and returns the seconds.
    """
    hand_in(FEW)
    return int(min(max(seconds * FEW / drain(), LEAST), MOST))
