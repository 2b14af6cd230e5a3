"""Fits what tells the marked answers of a question from texts about something else.

A linear discriminant of directions: ridge regression of 1 for marked texts, -1 for worthless ones.
Its limit follows from what it says of each marked text without the text's fold, so that no more
honest answers lie below it than MOST, as far as so few tell.
"""

import numpy as np

from inference_server.arrays import Doubles, Mask
from inference_server.fitting.folds import left_out
from inference_server.fitting.lessons import Lessons
from inference_server.judging.support import Support, direction

RIDGE = 0.1
MOST = 0.003
"""The share of marked texts that may lie below the limit."""
SPREADS = 3.0
"""Standard deviations that lie between mean and limit at least: so few may have no rare ones."""


def fit(lessons: Lessons) -> Support | None:
    """The support of the marked texts; None where nothing is known to lie outside."""
    if lessons.marked == len(lessons.texts):
        return None
    rows = np.stack([direction(text) for text in lessons.texts])
    inside = np.zeros(lessons.marked)
    for fold in left_out(lessons.folds):
        own = np.flatnonzero(lessons.folds[: lessons.marked] == fold)
        inside[own] = rows[own] @ _weights(rows, lessons, lessons.folds != fold)
    return Support(_weights(rows, lessons, np.full(len(rows), True)), _least(inside))


def _weights(rows: Doubles, lessons: Lessons, chosen: Mask) -> Doubles:
    """[width], from the chosen texts of `rows` [texts, width]."""
    targets = np.where(np.arange(len(rows)) < lessons.marked, 1.0, -1.0)[chosen]
    counts, used = lessons.weights[chosen], rows[chosen]
    used = used - np.average(used, axis=0, weights=counts)
    targets = targets - np.average(targets, weights=counts)
    weighted = used * counts[:, None]
    matrix = weighted.T @ used + RIDGE * np.eye(rows.shape[1])
    weights: Doubles = np.linalg.solve(matrix, weighted.T @ targets)
    return weights


def _least(inside: Doubles) -> float:
    """The limit, from what is said of each marked text without its fold."""
    rare = np.sort(inside)[int(MOST * (len(inside) + 1))]
    return float(min(rare, inside.mean() - SPREADS * inside.std()))
