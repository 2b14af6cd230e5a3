"""Logistic regression by Newton's method (iteratively reweighted least squares)."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging.logistic import chances

MAX_MOVE = 5.0
"""The most by which a round may move a weight: far from the optimum the curve says too little."""


def fit(
    rows: Doubles,
    targets: Doubles,
    counts: Doubles,
    ridge: Doubles,
    prior: Doubles,
    rounds: int,
    tolerance: float,
) -> Doubles:
    """The weights [features] of greatest regularised likelihood.

    From `rows` [examples, features] and `targets` [examples] in [0, 1]; `counts` is how much each
    example counts, `ridge` how hard each weight is held to its `prior`. It ends once no weight
    moves by `tolerance`, or after so many `rounds`.
    """
    weights = prior.copy()
    for _ in range(rounds):
        predicted = chances(rows @ weights)
        slope = rows.T @ (counts * (targets - predicted)) - ridge * (weights - prior)
        curve = (rows * (counts * predicted * (1 - predicted))[:, None]).T @ rows + np.diag(ridge)
        move = np.linalg.solve(curve, slope)
        weights = weights + move * min(1.0, MAX_MOVE / max(float(np.abs(move).max()), 1e-9))
        if np.abs(move).max() < tolerance:
            break
    return weights
