"""Fits the stack to what the learners predicted out of fold."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting import logistic
from inference_server.judging.stack import Stack

RIDGE, INTERCEPT_RIDGE, ROUNDS = 60.0, 0.05, 25
LEARNERS, UNMARKED = 0.7, 0.4
"""What the learners weigh together, and the share, before an example has been seen."""


def fit(columns: Doubles, targets: Doubles) -> Stack:
    """The stack from the `features` of texts and their targets [texts, learned], 0 or 1."""
    texts, learned, width = columns.shape
    learners = width // 2
    intercepts = np.broadcast_to(np.eye(learned), (texts, learned, learned))
    matrix = np.concatenate([intercepts, columns], axis=2).reshape(texts * learned, -1)
    flat = targets.reshape(-1)
    prior = np.zeros(learned + width)
    prior[learned : learned + learners] = LEARNERS / learners
    prior[-1] = UNMARKED
    ridge = np.concatenate([np.full(learned, INTERCEPT_RIDGE), np.full(width, RIDGE)])
    weights = logistic.fit(matrix, flat, np.ones(len(flat)), ridge, prior, ROUNDS, 1e-6)
    return Stack(weights[:learned], weights[learned:])
