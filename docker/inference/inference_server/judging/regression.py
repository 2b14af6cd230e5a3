"""A logistic regression of the share of points on the facts of an answer and a criterion."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Floats
from inference_server.judging import logistic

REACH = 4.0
"""Standard deviations beyond which a fact counts no more."""


@dataclass(frozen=True)
class Regression:
    """Mean and standard deviation (`scale`) of each fact, its weight, and the intercept `bias`."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    bias: float

    def shares(self, facts: Floats | Doubles) -> Doubles:
        """[pairs]: the share of the points to be expected, from facts [pairs, NAMES].

        Row by row, so that no other row decides in which order sums are taken.
        """
        rows = standardised(np.asarray(facts, np.float64), self.mean, self.scale)
        return logistic.chances((rows * self.weights).sum(axis=1) + self.bias)


def standardised(facts: Doubles, mean: Doubles, scale: Doubles) -> Doubles:
    """Facts [pairs, NAMES] in standard deviations, none further out than marked answers are."""
    return np.clip((facts - mean) / scale, -REACH, REACH)
