"""The points that examples have, as questions of yes and no: is it at least this many?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inference_server.arrays import AnyArray, Doubles, Indices

MOST_THRESHOLDS = 11
"""On finer scales every so manieth threshold is learned, and those between by interpolation."""
TRIES = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)
STRETCHES = np.linspace(1, 1.4, 9)
TRUSTED_FROM = 1000
"""With so many examples a cut-off is moved half of the way to where kappa is greatest on them."""


@dataclass(frozen=True)
class Scale:
    """`levels` are the points that occur, ascending; `learned` the indices of those asked about."""

    levels: Doubles
    learned: Indices

    @classmethod
    def of(cls, points: Doubles) -> Self:
        """The scale of these points, two different ones at least."""
        levels = np.unique(points)
        asked = np.arange(1, len(levels))
        if len(asked) > MOST_THRESHOLDS:
            shares = np.searchsorted(np.sort(points), levels[1:]) / len(points)
            wanted = np.linspace(0, 1, MOST_THRESHOLDS + 2)[1:-1]
            asked = np.unique([1 + int(np.abs(shares - one).argmin()) for one in wanted])
        return cls(levels, asked)

    def targets(self, points: Doubles) -> Doubles:
        """[examples, learned]: 1 where the points are at least the level."""
        reached: Doubles = (points[:, None] >= self.levels[self.learned]).astype(np.float64)
        return reached

    def reached(self, chances: Doubles) -> Doubles:
        """[texts, levels - 1]: P(points >= level) from those of the learned levels, falling."""
        falling = np.minimum.accumulate(chances, axis=1)
        if len(self.learned) == len(self.levels) - 1:
            return falling
        places, values = [0, *self.learned], [np.ones((len(chances), 1)), falling]
        if self.learned[-1] != len(self.levels) - 1:  # The top is a guess where it is not asked.
            places, values = [*places, -1], [*values, falling[:, -1:] * 0.25]
        known = self.levels[places]
        rows = np.concatenate(values, axis=1)
        return np.stack([np.interp(self.levels[1:], known, row) for row in rows])

    def expected(self, reached: Doubles) -> Doubles:
        """The mean points of each distribution."""
        mean: Doubles = self.levels[0] + reached @ np.diff(self.levels)
        return mean

    def chance(self, reached: Doubles, chosen: AnyArray) -> Doubles:
        """P(points = the chosen level), by its index."""
        edges = np.ones((len(reached), 1)), np.zeros((len(reached), 1))
        full = np.concatenate([edges[0], reached, edges[1]], axis=1)
        rows = np.arange(len(reached))
        share: Doubles = full[rows, chosen] - full[rows, chosen + 1]
        return share

    def cuts(self, expected: Doubles, points: Doubles) -> Doubles:
        """[levels - 1]: from which mean on a level is given, so that quadratic kappa is great.

        Means crowd together; each level given as often as people gave it undoes that. Where kappa
        is greatest says more, but only many examples say it reliably.
        """
        shares = np.searchsorted(np.sort(points), self.levels[1:]) / len(points)
        as_often = np.quantile(expected, shares)
        fine = len(as_often) > MOST_THRESHOLDS
        best = self._stretched(expected, points) if fine else self._moved(expected, points)
        trust = len(points) / (len(points) + TRUSTED_FROM)
        return np.asarray(as_often + trust * (best - as_often))

    def _stretched(self, expected: Doubles, points: Doubles) -> Doubles:
        middles, mean = (self.levels[1:] + self.levels[:-1]) / 2, expected.mean()
        tried = [mean + (middles - mean) / by for by in STRETCHES]
        return max(tried, key=lambda cuts: kappa(self._given(expected, cuts), points))

    def _moved(self, expected: Doubles, points: Doubles) -> Doubles:
        gaps = np.diff(self.levels)
        cuts = (self.levels[1:] + self.levels[:-1]) / 2
        best = kappa(self._given(expected, cuts), points)
        for _ in range(4):
            for index in range(len(cuts)):
                for by in TRIES:
                    moved = cuts.copy()
                    moved[index] += by * gaps[index]
                    found = kappa(self._given(expected, moved), points)
                    if found > best + 1e-9 and (np.diff(moved) > 0).all():
                        best, cuts = found, moved
        return cuts

    def _given(self, expected: Doubles, cuts: Doubles) -> Doubles:
        return self.levels[np.searchsorted(cuts, expected, "right")]


def kappa(one: Doubles, other: Doubles) -> float:
    """Cohen's kappa with squared distances as weights; 0 where it is not defined."""
    by_chance = one.var() + other.var() + (one.mean() - other.mean()) ** 2
    return float(1 - ((one - other) ** 2).mean() / by_chance) if by_chance else 0.0


def chosen(cuts: Doubles, expected: Doubles) -> Indices:
    """The index of the level that each mean is given."""
    return np.searchsorted(cuts, expected, "right")


def together(scales: Sequence[Scale]) -> list[slice]:
    """Where the columns of each scale lie when all stand side by side."""
    ends = np.cumsum([len(scale.learned) for scale in scales]).tolist()
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
