"""The chance that people give exactly the points chosen, fitted to predictions made out of fold."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles

RIDGE, ROUNDS, BINS = 2.0, 20, 10
LEAST, MOST = 0.001, 0.999


@dataclass(frozen=True)
class Confidence:
    """Log odds a + b x, of the log odds x that the distribution gives; b >= 0, so order is kept.

    It never exceeds `most`: so many examples show no more.
    """

    shift: float
    slope: float
    most: float

    def __call__(self, chances: Doubles) -> Doubles:
        """The confidence of each chance of the chosen level."""
        odds = self.shift + self.slope * _odds(chances)
        return np.minimum(1 / (1 + np.exp(-odds)), self.most)


def fit(chances: Doubles, agrees: Doubles) -> Confidence:
    """Platt's scaling, drawn towards the distribution's own word where examples are few."""
    matrix = np.stack([np.ones(len(chances)), _odds(chances)], axis=1)
    prior = weights = np.array([0.0, 1.0])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-(matrix @ weights)))
        slope = matrix.T @ (agrees - likely) - RIDGE * (weights - prior)
        curve = (matrix * (likely * (1 - likely))[:, None]).T @ matrix + RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    most = of_rule(len(chances), len(chances))
    return Confidence(float(weights[0]), max(float(weights[1]), 0.0), most)


def calibration_error(confidence: Doubles, agrees: Doubles) -> float:
    """Mean distance between confidence and agreement over ten equal steps of confidence."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    apart = np.bincount(bins, confidence, BINS) - np.bincount(bins, agrees, BINS)
    return float(np.abs(apart).sum() / len(confidence))


def of_rule(agreeing: int, count: int) -> float:
    """Of a mark that a rule made: what examples like it show, by the rule of succession."""
    return (agreeing + 1) / (count + 2)


def _odds(chances: Doubles) -> Doubles:
    bounded = np.clip(chances, LEAST, MOST)
    odds: Doubles = np.log(bounded / (1 - bounded))
    return odds
