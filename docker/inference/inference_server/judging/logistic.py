"""The chance that log odds stand for."""

import numpy as np

from inference_server.arrays import Doubles


def chances(odds: Doubles) -> Doubles:
    """From log odds."""
    found: Doubles = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return found
