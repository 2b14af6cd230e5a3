"""Fits the general model: a logistic regression of the share of points on the facts of a pair.

More was tried and carried over no better to questions that were left out (docs/scoring.md).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from inference_server.arrays import Doubles, Floats, Mask
from inference_server.judging import logistic

RIDGE, ROUNDS, REACH = 0.02, 50, 4.0


@dataclass(frozen=True)
class Items:
    """Facts [pairs, NAMES], the share of the points that people gave, and how much each counts."""

    facts: Doubles
    shares: Doubles
    counts: Doubles

    def part(self, here: Mask) -> "Items":
        """Those that a mask picks."""
        return Items(self.facts[here], self.shares[here], self.counts[here])


@dataclass(frozen=True)
class Regression:
    """`mean` and `scale` of the facts as they were seen, a weight for each, and what is added."""

    mean: Doubles
    scale: Doubles
    weights: Doubles
    bias: float

    @classmethod
    def fit(cls, items: Items) -> Self:
        """The most likely one; shares between 0 and 1 count as such."""
        mean, scale = items.facts.mean(axis=0), items.facts.std(axis=0) + 1e-6
        rows = np.append(_seen(items.facts, mean, scale), np.ones((len(items.facts), 1)), axis=1)
        counts = items.counts / items.counts.sum()
        ridge = np.array([RIDGE] * len(mean) + [1e-6])
        prior = np.zeros(rows.shape[1])
        weights = logistic.fit(rows, items.shares, counts, ridge, prior, ROUNDS, 1e-9)
        return cls(mean, scale, weights[:-1], float(weights[-1]))

    def shares(self, facts: Floats | Doubles) -> Doubles:
        """The share of points that each pair of [pairs, NAMES] is expected to have.

        Row by row, so that no other row decides in which order sums are taken.
        """
        rows = _seen(np.asarray(facts, np.float64), self.mean, self.scale)
        return logistic.chances((rows * self.weights).sum(axis=1) + self.bias)


def _seen(facts: Doubles, mean: Doubles, scale: Doubles) -> Doubles:
    """Of one scale, and nothing further out than marked answers lead one to expect."""
    return np.clip((facts - mean) / scale, -REACH, REACH)
