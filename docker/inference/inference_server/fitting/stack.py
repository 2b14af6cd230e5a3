"""Fits the stack to what the learners predicted out of fold."""

from collections.abc import Sequence

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting import logistic
from inference_server.judging.stack import Stack, features

RIDGE, INTERCEPT_RIDGE, ROUNDS = 20.0, 0.05, 25


def fit(odds: Sequence[Doubles], targets: Doubles) -> Stack:
    """The stack of learners with these log odds; arrays are [texts, learned], targets 0 or 1."""
    columns = features(odds)
    texts, learned, width = columns.shape
    intercepts = np.broadcast_to(np.eye(learned), (texts, learned, learned))
    matrix = np.concatenate([intercepts, columns], axis=2).reshape(texts * learned, -1)
    flat = targets.reshape(-1)
    prior = np.concatenate([np.zeros(learned), np.full(width // 2, 0.5 / len(odds))])
    prior = np.concatenate([prior, np.zeros(width - width // 2)])
    ridge = np.concatenate([np.full(learned, INTERCEPT_RIDGE), np.full(width, RIDGE)])
    weights = logistic.fit(matrix, flat, np.ones(len(flat)), ridge, prior, ROUNDS, 1e-6)
    return Stack(weights[:learned], weights[learned:])
