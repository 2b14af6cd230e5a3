"""Figures of agreement: kappa, calibration error, coverage, reviews."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference_server.arrays import AnyArray, Doubles
from inference_server.fitting.measures import calibration_error, kappa
from scoring.agreement import coverage
from tests.bench.agreement.protocol import Outcome


def of_question(told: Outcome) -> dict[str, Any]:
    """What was reached on one question."""
    agrees = (told.given == told.points).astype(np.float64)
    pairs = list(zip(told.confidence.tolist(), (agrees > 0).tolist(), strict=True))
    curve = coverage.curve(pairs)
    return {
        "answers": len(told.points),
        "qwk": kappa(told.given, told.points),
        "exact": float(agrees.mean()),
        "ece": calibration_error(told.confidence, agrees),
        "hindsight": max((cut.coverage for cut in curve if cut.agreement >= 0.95), default=0.0),
    }


def promise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Agreement and coverage of what lay above cuts that were set without the test answers."""
    agreeing = covered = total = declined = 0
    lowest = 1.0
    for told in outcomes:
        over = told.confidence >= told.cut
        total += len(over)
        declined += not over.any()
        if over.any():
            agrees = int((told.given[over] == told.points[over]).sum())
            agreeing, covered = agreeing + agrees, covered + int(over.sum())
            lowest = min(lowest, agrees / int(over.sum()))
    return {
        "coverage": covered / total,
        "kept": agreeing / covered if covered else None,
        "lowest": lowest if covered else None,
        "declined": declined,
    }


def review_share(outcomes: Sequence[Outcome], wanted: float) -> float:
    """The least confident share of each that people must mark for a mean kappa of `wanted`."""
    orders = [np.argsort(told.confidence, kind="stable") for told in outcomes]
    for share in np.linspace(0, 1, 101):
        reached = [_mixed(*one, share) for one in zip(outcomes, orders, strict=True)]
        if np.mean(reached) >= wanted:
            return float(share)
    return 1.0


def _mixed(told: Outcome, order: AnyArray, share: float) -> float:
    """Kappa when people's points stand in for ours in the first of the order."""
    mixed: Doubles = told.given.copy()
    mine = order[: round(share * len(order))]
    mixed[mine] = told.points[mine]
    return kappa(mixed, told.points)


def weighted_f1(points: Doubles, given: Doubles) -> float:
    """F1 of each level, weighed by how often people gave it."""
    total = 0.0
    for value in np.unique(points):
        true = float(((given == value) & (points == value)).sum())
        both = float((given == value).sum() + (points == value).sum())
        total += 2 * true / both * float((points == value).mean()) if both else 0.0
    return total
