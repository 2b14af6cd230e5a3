"""How far given points agree with people's, over questions of different scales."""

from typing import Any

import numpy as np

from inference_server.arrays import Doubles

HALF, BINS = 0.5, 10


def measures(given: Doubles, points: Doubles, most: Doubles) -> dict[str, Any]:
    """`r` and `rmse` of shares of the most points; `accuracy` where people gave all or nothing.

    `r` is None where either never differs.
    """
    ours, theirs = given / most, points / most
    is_binary = bool(np.isin(theirs, (0.0, 1.0)).all())
    return {
        "r": float(np.corrcoef(ours, theirs)[0, 1]) if ours.std() and theirs.std() else None,
        "rmse": float(np.sqrt(((ours - theirs) ** 2).mean())),
        "exact": float((given == points).mean()),
        "accuracy": float(((ours >= HALF) == (theirs >= HALF)).mean()) if is_binary else None,
    }


def metrics(given: Doubles, sure: Doubles, points: Doubles, step: float) -> dict[str, Any]:
    """How well the given points and their confidences agree with people's points."""
    apart = np.abs(given - points)
    return {
        "kappa": kappa(given, points),
        "exact": float((apart < step / 2).mean()),
        "adjacent": float((apart < step * 1.5).mean()),
        "mae": float(apart.mean()),
        "calibration_error": calibration_error(sure, np.asarray(apart < step / 2, np.float64)),
    }


def kappa(one: Doubles, other: Doubles) -> float:
    """Cohen's kappa with squared distances as weights; 0 where it is not defined."""
    by_chance = one.var() + other.var() + (one.mean() - other.mean()) ** 2
    return float(1 - ((one - other) ** 2).mean() / by_chance) if by_chance else 0.0


def calibration_error(confidence: Doubles, agrees: Doubles) -> float:
    """Mean distance between confidence and agreement over ten equal steps of confidence."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, confidence, BINS) - np.bincount(bins, agrees, BINS)
    return float(np.abs(apart).sum() / len(confidence))
