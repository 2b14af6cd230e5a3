"""How well the machine's points, and its confidence in them, agree with people's.

All arrays are [answers]; `points` are the machine's and `truth` people's.
"""

from typing import Any

import numpy as np

from inference_server.arrays import Doubles

HALF, BINS = 0.5, 10


def of_question(
    points: Doubles, confidence: Doubles, truth: Doubles, step: float
) -> dict[str, Any]:
    """Kappa, the shares that agree exactly and within a step, mean and calibration error."""
    errors = np.abs(points - truth)
    agrees = errors < step / 2
    return {
        "kappa": kappa(points, truth),
        "exact": float(agrees.mean()),
        "adjacent": float((errors < step * 1.5).mean()),
        "mae": float(errors.mean()),
        "calibration_error": calibration_error(confidence, np.asarray(agrees, np.float64)),
    }


def over_questions(points: Doubles, truth: Doubles, max_points: Doubles) -> dict[str, Any]:
    """Figures over questions of different scales; `max_points` is that of each answer's question.

    `r` and `rmse` are those of shares of the most points, `r` None where either never differs.
    `accuracy`, whether more than half is given, exists where people gave all or nothing.
    """
    shares, true_shares = points / max_points, truth / max_points
    has_r = shares.std() and true_shares.std()
    is_binary = bool(np.isin(true_shares, (0.0, 1.0)).all())
    right = (shares >= HALF) == (true_shares >= HALF)
    return {
        "r": float(np.corrcoef(shares, true_shares)[0, 1]) if has_r else None,
        "rmse": float(np.sqrt(((shares - true_shares) ** 2).mean())),
        "exact": float((points == truth).mean()),
        "accuracy": float(right.mean()) if is_binary else None,
    }


def kappa(points: Doubles, truth: Doubles) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); 0 where it is not defined."""
    by_chance = points.var() + truth.var() + (points.mean() - truth.mean()) ** 2
    return float(1 - ((points - truth) ** 2).mean() / by_chance) if by_chance else 0.0


def calibration_error(confidence: Doubles, agrees: Doubles) -> float:
    """The expected calibration error (Naeini et al. 2015) over ten equal steps of confidence."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, confidence, BINS) - np.bincount(bins, agrees, BINS)
    return float(np.abs(gaps).sum() / len(confidence))
