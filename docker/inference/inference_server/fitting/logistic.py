"""Logistic regression: the weights with the greatest regularised likelihood, by Newton's method."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging.logistic import chances

FARTHEST = 5.0
"""The most by which a round may move a weight: far from the end its curve says too little."""


def fit(
    rows: Doubles,
    wanted: Doubles,
    counts: Doubles,
    ridge: Doubles,
    prior: Doubles,
    rounds: int,
    nearly: float,
) -> Doubles:
    """[features], from rows [examples, features] and what is wanted of each, from 0 to 1.

    `counts` is how much each example counts, `ridge` how hard each weight is held to its `prior`;
    it ends once no weight moves by `nearly`, or after so many `rounds`.
    """
    weights = prior.copy()
    for _ in range(rounds):
        likely = chances(rows @ weights)
        slope = rows.T @ (counts * (wanted - likely)) - ridge * (weights - prior)
        curve = (rows * (counts * likely * (1 - likely))[:, None]).T @ rows + np.diag(ridge)
        move = np.linalg.solve(curve, slope)
        weights = weights + move * min(1.0, FARTHEST / max(float(np.abs(move).max()), 1e-9))
        if np.abs(move).max() < nearly:
            break
    return weights
