"""How far given points agree with people's, over questions of different scales."""

from typing import Any

import numpy as np

from inference_server.arrays import Doubles

HALF = 0.5


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
