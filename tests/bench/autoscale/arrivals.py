"""When requests arrive, and how much work each is: seeded draws."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Rates = Callable[[Times], Times]
"""Arrivals a second at each of some times."""


def poisson(rates: Rates, most: float, seconds: float, draw: np.random.Generator) -> list[float]:
    """Arrivals of a Poisson process whose rate is `rates`, which is never above `most`."""
    times = np.sort(draw.uniform(0, seconds, draw.poisson(most * seconds)))
    kept: list[float] = times[draw.uniform(0, most, len(times)) < rates(times)].tolist()
    return kept


def through(*points: tuple[float, float]) -> Rates:
    """A rate along straight lines through points of (seconds, arrivals a second)."""
    times, rates = zip(*points, strict=True)
    return lambda at: np.interp(at, times, rates)


def evenly(rates: Sequence[float], step: float) -> list[float]:
    """Arrivals at even distances, with each rate for `step` seconds."""
    times = np.concatenate([[0.0], np.arange(1, len(rates) + 1) * step])
    arrived = np.concatenate([[0.0], np.cumsum(np.asarray(rates) * step)])
    at: list[float] = np.interp(np.arange(1, int(arrived[-1]) + 1), arrived, times).tolist()
    return at


def works(count: int, mean: float, shape: float, draw: np.random.Generator) -> list[float]:
    """Seconds of work, distributed as gamma: `shape` 1 is exponential, more is more even."""
    drawn: list[float] = draw.gamma(shape, mean / shape, count).tolist()
    return drawn
