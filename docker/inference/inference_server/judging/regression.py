"""A logistic regression of the share of points on the facts of an answer and a criterion."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Floats
from inference_server.judging import logistic

REACH = 4.0


@dataclass(frozen=True)
class Regression:
    """`mean` and `scale` of the facts as they were seen, a weight for each, and what is added."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    bias: float

    def shares(self, facts: Floats | Doubles) -> Doubles:
        """The share of points that each pair of [pairs, NAMES] is expected to have.

        Row by row, so that no other row decides in which order sums are taken.
        """
        rows = standardised(np.asarray(facts, np.float64), self.mean, self.scale)
        return logistic.chances((rows * self.weights).sum(axis=1) + self.bias)


def standardised(facts: Doubles, mean: Doubles, scale: Doubles) -> Doubles:
    """Of one scale, and nothing further out than marked answers lead one to expect."""
    return np.clip((facts - mean) / scale, -REACH, REACH)
