"""The points that a question's examples have, as questions of yes and no: is it at least this many?

A distribution over the levels is kept as chances to reach each of them (the cumulative model of
ordinal regression, McCullagh 1980).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Indices

TOP_SHARE = 0.25
"""Of the answers at the last learned level, the share that is taken to reach the highest one."""


@dataclass(frozen=True)
class Scale:
    """`levels` are the points that occur, ascending; `learned` the indices of those asked about."""

    levels: Doubles
    learned: Indices

    def at_least(self, chances: Doubles) -> Doubles:
        """[texts, levels - 1]: P(points >= level), from those of the learned levels, never rising.

        `chances` is [texts, learned]; what lies between learned levels is interpolated.
        """
        falling = np.minimum.accumulate(chances, axis=1)
        if len(self.learned) == len(self.levels) - 1:
            return falling
        places, values = [0, *self.learned], [np.ones((len(chances), 1)), falling]
        if self.learned[-1] != len(self.levels) - 1:
            places, values = [*places, -1], [*values, falling[:, -1:] * TOP_SHARE]
        known = self.levels[places]
        rows = np.concatenate(values, axis=1)
        return np.stack([np.interp(self.levels[1:], known, row) for row in rows])

    def expected(self, at_least: Doubles) -> Doubles:
        """[texts]: the mean points of each distribution."""
        mean: Doubles = self.levels[0] + at_least @ np.diff(self.levels)
        return mean

    def chance(self, at_least: Doubles, index: Indices) -> Doubles:
        """[texts]: P(points = the level of that index)."""
        ones, zeros = np.ones((len(at_least), 1)), np.zeros((len(at_least), 1))
        full = np.concatenate([ones, at_least, zeros], axis=1)
        rows = np.arange(len(at_least))
        chance: Doubles = full[rows, index] - full[rows, index + 1]
        return chance


def level_of(cuts: Doubles, expected: Doubles) -> Indices:
    """The index of the level that each mean is given; `cuts` [levels - 1] say where they begin."""
    return np.searchsorted(cuts, expected, "right")


def columns_of(scales: Sequence[Scale]) -> list[slice]:
    """The columns of each scale's learned levels where those of all stand side by side."""
    ends = np.cumsum([len(scale.learned) for scale in scales]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
