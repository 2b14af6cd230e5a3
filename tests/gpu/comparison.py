"""How far two runs over the same answers come to the same vectors and marks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.gpu.machine import Marked


def compare(left: Sequence[Marked], right: Sequence[Marked]) -> dict[str, Any]:
    """Figures of the difference.

    `identical`, `differing_marks` and `differing_order` count answers: those with the same vectors
    bit by bit, with other points for a criterion, with other flags for their word order.
    Cosines are of the same token in both runs.
    """
    pairs = list(zip(left, right, strict=True))
    cosines = np.concatenate([(a.vectors * b.vectors).sum(axis=1) for a, b in pairs])
    strengths = np.concatenate([np.subtract(a.strengths, b.strengths) for a, b in pairs])
    orders = [(np.array(a.order), np.array(b.order)) for a, b in pairs]
    totals = [abs(sum(a.points) - sum(b.points)) for a, b in pairs]
    return {
        "answers": len(pairs),
        "tokens": len(cosines),
        "cosine_least": float(cosines.min()),
        "cosine_1_percent": float(np.quantile(cosines, 0.01)),
        "cosine_median": float(np.median(cosines)),
        "strength_mean_difference": float(np.abs(strengths).mean()),
        "strength_greatest_difference": float(np.abs(strengths).max()),
        "order_greatest_difference": max(
            (float(np.abs(a - b).max()) for a, b in orders if len(a)), default=0.0
        ),
        "differing_order": sum(bool(((a > 0) != (b > 0)).any()) for a, b in orders),
        "identical": sum(np.array_equal(a.vectors, b.vectors) for a, b in pairs),
        "differing_marks": sum(a.points != b.points for a, b in pairs),
        "points_greatest_difference": max(totals),
    }
