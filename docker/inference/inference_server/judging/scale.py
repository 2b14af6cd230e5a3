"""The points that examples have, as questions of yes and no: is it at least this many?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import AnyArray, Doubles, Indices


@dataclass(frozen=True)
class Scale:
    """`levels` are the points that occur, ascending; `learned` the indices of those asked about."""

    levels: Doubles
    learned: Indices

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


def chosen(cuts: Doubles, expected: Doubles) -> Indices:
    """The index of the level that each mean is given."""
    return np.searchsorted(cuts, expected, "right")


def together(scales: Sequence[Scale]) -> list[slice]:
    """Where the columns of each scale lie when all stand side by side."""
    ends = np.cumsum([len(scale.learned) for scale in scales]).tolist()
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
