"""Fits the confidence to predictions made out of fold."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging.confidence import Confidence, log_odds, rule_of_succession

RIDGE, ROUNDS = 2.0, 20


def fit(chances: Doubles, agrees: Doubles) -> Confidence:
    """Platt scaling, drawn towards the given chances where examples are few.

    `chances` [examples] are those of the chosen levels, `agrees` is 1 where people chose them too.
    """
    matrix = np.stack([np.ones(len(chances)), log_odds(chances)], axis=1)
    prior = weights = np.array([0.0, 1.0])
    for _ in range(ROUNDS):
        predicted = 1 / (1 + np.exp(-(matrix @ weights)))
        slope = matrix.T @ (agrees - predicted) - RIDGE * (weights - prior)
        curve = (matrix * (predicted * (1 - predicted))[:, None]).T @ matrix + RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    ceiling = rule_of_succession(len(chances), len(chances))
    return Confidence(float(weights[0]), max(float(weights[1]), 0.0), ceiling)
