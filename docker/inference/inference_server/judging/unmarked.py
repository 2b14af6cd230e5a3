"""What share of its points an answer earns by its strengths alone, as without a calibration."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Floats
from inference_server.judging.texts import SIZES, STRENGTH
from inference_server.marking.points import FULL, LEAST


@dataclass(frozen=True)
class Unmarked:
    """`weights` [judges, criteria]: of each criterion's share in each judge's, in sum 1."""

    weights: Doubles

    def shares(self, facts: Floats) -> Doubles:
        """[texts, judges], each in [0, 1], from the facts of the texts [texts, facts]."""
        strengths = facts[:, SIZES:].astype(np.float64) / STRENGTH
        return np.clip((strengths - LEAST) / (FULL - LEAST), 0, 1) @ self.weights.T
