"""The scale of the points that examples have, and the cuts between its levels."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting.measures import kappa
from inference_server.judging.scale import Scale, level_of

MAX_THRESHOLDS = 11
"""Of a finer scale so many thresholds are learned, and those between by interpolation."""
MOVES = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)
"""How far a cut is moved to try it, as a share of the gap between its levels."""
STRETCHES = np.linspace(1, 1.4, 9)
TRUSTED_FROM = 1000
"""With so many examples a cut is moved half of the way to where kappa is greatest on them."""


def scale_of(points: Doubles) -> Scale:
    """The scale of the points [examples], of which two at least differ."""
    levels = np.unique(points)
    learned = np.arange(1, len(levels))
    if len(learned) > MAX_THRESHOLDS:
        shares = np.searchsorted(np.sort(points), levels[1:]) / len(points)
        quantiles = np.linspace(0, 1, MAX_THRESHOLDS + 2)[1:-1]
        learned = np.unique([1 + int(np.abs(shares - quantile).argmin()) for quantile in quantiles])
    return Scale(levels, learned)


def targets_of(scale: Scale, points: Doubles) -> Doubles:
    """[examples, learned]: 1 where the points are at least the level."""
    reached: Doubles = (points[:, None] >= scale.levels[scale.learned]).astype(np.float64)
    return reached


def cuts_of(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    """[levels - 1]: the means from which on each level is given, for a great quadratic kappa.

    `expected` and `points` are [examples]. Means crowd together; each level given as often as
    people gave it undoes that. Where kappa is greatest says more, but only many examples say it
    reliably.
    """
    shares = np.searchsorted(np.sort(points), scale.levels[1:]) / len(points)
    as_often = np.quantile(expected, shares)
    is_fine = len(as_often) > MAX_THRESHOLDS
    best = _stretched(scale, expected, points) if is_fine else _moved(scale, expected, points)
    trust = len(points) / (len(points) + TRUSTED_FROM)
    return np.asarray(as_often + trust * (best - as_often))


def _stretched(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    """Middles between the levels, drawn towards the mean by the best of STRETCHES."""
    middles, mean = (scale.levels[1:] + scale.levels[:-1]) / 2, expected.mean()
    tried = [mean + (middles - mean) / stretch for stretch in STRETCHES]
    return max(tried, key=lambda cuts: kappa(_points(scale, expected, cuts), points))


def _moved(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    """Middles between the levels, each moved as long as that raises kappa."""
    gaps = np.diff(scale.levels)
    cuts = (scale.levels[1:] + scale.levels[:-1]) / 2
    best = kappa(_points(scale, expected, cuts), points)
    for _ in range(4):
        for index in range(len(cuts)):
            for move in MOVES:
                moved = cuts.copy()
                moved[index] += move * gaps[index]
                reached = kappa(_points(scale, expected, moved), points)
                if reached > best + 1e-9 and (np.diff(moved) > 0).all():
                    best, cuts = reached, moved
    return cuts


def _points(scale: Scale, expected: Doubles, cuts: Doubles) -> Doubles:
    return scale.levels[level_of(cuts, expected)]
