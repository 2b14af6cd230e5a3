"""Fits the stack to what the learners said out of fold."""

from collections.abc import Sequence

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting import logistic
from inference_server.judging.stack import Stack, columns

RIDGE, ROUNDS = 20.0, 25


def fit(said: Sequence[Doubles], targets: Doubles) -> Stack:
    """The stack of these learners; `targets` are 0 and 1 [texts, learned]."""
    matrix_columns = columns(said)
    texts, learned, features = matrix_columns.shape
    ones = np.broadcast_to(np.eye(learned), (texts, learned, learned))
    matrix = np.concatenate([ones, matrix_columns], axis=2).reshape(texts * learned, -1)
    wanted = targets.reshape(-1)
    prior = np.concatenate([np.zeros(learned), np.full(features // 2, 0.5 / len(said))])
    prior = np.concatenate([prior, np.zeros(features - features // 2)])
    ridge = np.concatenate([np.full(learned, 0.05), np.full(features, RIDGE)])
    weights = logistic.fit(matrix, wanted, np.ones(len(wanted)), ridge, prior, ROUNDS, 1e-6)
    return Stack(weights[:learned], weights[learned:])
