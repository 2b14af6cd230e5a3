"""The logistic function."""

import numpy as np

from inference_server.arrays import Doubles


def chances(odds: Doubles) -> Doubles:
    """The chances in (0, 1) that log odds stand for."""
    result: Doubles = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return result
