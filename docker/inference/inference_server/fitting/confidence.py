"""Fits the confidence to predictions made out of fold."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging.confidence import Confidence, log_odds, of_rule

RIDGE, ROUNDS = 2.0, 20


def fit(chances: Doubles, agrees: Doubles) -> Confidence:
    """Platt's scaling, drawn towards the distribution's own word where examples are few."""
    matrix = np.stack([np.ones(len(chances)), log_odds(chances)], axis=1)
    prior = weights = np.array([0.0, 1.0])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-(matrix @ weights)))
        slope = matrix.T @ (agrees - likely) - RIDGE * (weights - prior)
        curve = (matrix * (likely * (1 - likely))[:, None]).T @ matrix + RIDGE * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    most = of_rule(len(chances), len(chances))
    return Confidence(float(weights[0]), max(float(weights[1]), 0.0), most)
