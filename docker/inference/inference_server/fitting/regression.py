"""Fits the general calibration: a logistic regression of shares of points on facts.

More was tried and carried over no better to questions that were left out (docs/scoring.md).
"""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Mask
from inference_server.fitting import logistic
from inference_server.judging.regression import Regression, standardised

RIDGE, ROUNDS = 0.02, 50


@dataclass(frozen=True)
class Pairs:
    """Pairs of an answer and a criterion.

    Facts [pairs, NAMES], the share in [0, 1] of the points that people gave, and how much each
    pair counts.
    """

    facts: Doubles
    shares: Doubles
    counts: Doubles

    def where(self, mask: Mask) -> "Pairs":
        """The pairs that the mask picks."""
        return Pairs(self.facts[mask], self.shares[mask], self.counts[mask])


def fit(pairs: Pairs) -> Regression:
    """The most likely regression; shares between 0 and 1 count as such."""
    mean, scale = pairs.facts.mean(axis=0), pairs.facts.std(axis=0) + 1e-6
    rows = np.append(standardised(pairs.facts, mean, scale), np.ones((len(pairs.facts), 1)), axis=1)
    counts = pairs.counts / pairs.counts.sum()
    ridge = np.array([RIDGE] * len(mean) + [1e-6])
    prior = np.zeros(rows.shape[1])
    weights = logistic.fit(rows, pairs.shares, counts, ridge, prior, ROUNDS, 1e-9)
    return Regression(mean, scale, weights[:-1], float(weights[-1]))
