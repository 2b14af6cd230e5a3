"""Fits the general model: a logistic regression of the share of points on the facts of a pair.

More was tried and carried over no better to questions that were left out (docs/scoring.md).
"""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Mask
from inference_server.fitting import logistic
from inference_server.judging.regression import Regression, standardised

RIDGE, ROUNDS = 0.02, 50


@dataclass(frozen=True)
class Items:
    """Facts [pairs, NAMES], the share of the points that people gave, and how much each counts."""

    facts: Doubles
    shares: Doubles
    counts: Doubles

    def part(self, here: Mask) -> "Items":
        """Those that a mask picks."""
        return Items(self.facts[here], self.shares[here], self.counts[here])


def fit(items: Items) -> Regression:
    """The most likely one; shares between 0 and 1 count as such."""
    mean, scale = items.facts.mean(axis=0), items.facts.std(axis=0) + 1e-6
    rows = np.append(standardised(items.facts, mean, scale), np.ones((len(items.facts), 1)), axis=1)
    counts = items.counts / items.counts.sum()
    ridge = np.array([RIDGE] * len(mean) + [1e-6])
    prior = np.zeros(rows.shape[1])
    weights = logistic.fit(rows, items.shares, counts, ridge, prior, ROUNDS, 1e-9)
    return Regression(mean, scale, weights[:-1], float(weights[-1]))
