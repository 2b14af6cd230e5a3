"""The scale of the points that examples have, and the cut-offs between its levels."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting.measures import kappa
from inference_server.judging.scale import Scale

MOST_THRESHOLDS = 11
"""On finer scales every so manieth threshold is learned, and those between by interpolation."""
TRIES = (-0.3, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.3)
STRETCHES = np.linspace(1, 1.4, 9)
TRUSTED_FROM = 1000
"""With so many examples a cut-off is moved half of the way to where kappa is greatest on them."""


def scale_of(points: Doubles) -> Scale:
    """The scale of these points, two different ones at least."""
    levels = np.unique(points)
    asked = np.arange(1, len(levels))
    if len(asked) > MOST_THRESHOLDS:
        shares = np.searchsorted(np.sort(points), levels[1:]) / len(points)
        wanted = np.linspace(0, 1, MOST_THRESHOLDS + 2)[1:-1]
        asked = np.unique([1 + int(np.abs(shares - one).argmin()) for one in wanted])
    return Scale(levels, asked)


def targets_of(scale: Scale, points: Doubles) -> Doubles:
    """[examples, learned]: 1 where the points are at least the level."""
    reached: Doubles = (points[:, None] >= scale.levels[scale.learned]).astype(np.float64)
    return reached


def cuts(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    """[levels - 1]: from which mean on a level is given, so that quadratic kappa is great.

    Means crowd together; each level given as often as people gave it undoes that. Where kappa
    is greatest says more, but only many examples say it reliably.
    """
    shares = np.searchsorted(np.sort(points), scale.levels[1:]) / len(points)
    as_often = np.quantile(expected, shares)
    fine = len(as_often) > MOST_THRESHOLDS
    best = _stretched(scale, expected, points) if fine else _moved(scale, expected, points)
    trust = len(points) / (len(points) + TRUSTED_FROM)
    return np.asarray(as_often + trust * (best - as_often))


def _stretched(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    middles, mean = (scale.levels[1:] + scale.levels[:-1]) / 2, expected.mean()
    tried = [mean + (middles - mean) / by for by in STRETCHES]
    return max(tried, key=lambda cuts: kappa(_given(scale, expected, cuts), points))


def _moved(scale: Scale, expected: Doubles, points: Doubles) -> Doubles:
    gaps = np.diff(scale.levels)
    cuts = (scale.levels[1:] + scale.levels[:-1]) / 2
    best = kappa(_given(scale, expected, cuts), points)
    for _ in range(4):
        for index in range(len(cuts)):
            for by in TRIES:
                moved = cuts.copy()
                moved[index] += by * gaps[index]
                found = kappa(_given(scale, expected, moved), points)
                if found > best + 1e-9 and (np.diff(moved) > 0).all():
                    best, cuts = found, moved
    return cuts


def _given(scale: Scale, expected: Doubles, cuts: Doubles) -> Doubles:
    return scale.levels[np.searchsorted(cuts, expected, "right")]
