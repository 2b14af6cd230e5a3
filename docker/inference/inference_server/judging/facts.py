"""What the general model knows of an answer and a criterion: a few facts of how near they come.

None of them names a question: facts of the question alone (how long its reference is, how much of
it the prompt says) let a model learn how hard the marked questions were, and carried over badly.
"""

from collections.abc import Iterator

import numpy as np

from inference_server.arrays import Floats
from inference_server.marking.matching import Reading, Rubric, blocks

NEAR, SAME, SPREAD = 0.95, 1.0, 0.03
WEAKEST = 0.25
NAMES = (
    "recall",
    "precision",
    "balance",
    "near",
    "same",
    "weakest",
    "neighbours",
    "length",
    "longer",
)


def facts(reading: Reading, wanted: Rubric, criteria: int) -> Floats | None:
    """[criteria, NAMES], each by the reference that the answer comes nearest to.

    None where a criterion has no reference, or the answer no tokens.
    """
    if not len(reading.vectors) or len(np.unique(wanted.owners)) < criteria:
        return None
    rarity = np.maximum(reading.rarity, 0.1)
    best: dict[int, tuple[float, list[float]]] = {}
    for part in blocks(wanted, len(reading.vectors)):
        for criterion, strength, told in _nearest(reading, part, rarity):
            if criterion not in best or strength > best[criterion][0]:
                best[criterion] = strength, told
    return np.array([best[criterion][1] for criterion in range(criteria)], np.float32)


def _nearest(
    reading: Reading, wanted: Rubric, rarity: Floats
) -> Iterator[tuple[int, float, list[float]]]:
    """Each criterion with the strength and the facts of its nearest reference."""
    similar = wanted.vectors @ reading.vectors.T
    strengths = np.add.reduceat(similar.max(axis=1) * wanted.weights, wanted.starts)
    ends = [*wanted.starts[1:].tolist(), len(wanted.vectors)]
    for criterion in np.unique(wanted.owners).tolist():
        own = np.flatnonzero(wanted.owners == criterion)
        best = int(own[strengths[own].argmax()])
        part = slice(int(wanted.starts[best]), ends[best])
        told = _facts(similar[part], wanted.weights[part], rarity)
        yield criterion, float(strengths[best]), told


def _facts(similar: Floats, weights: Floats, rarity: Floats) -> list[float]:
    """From cosines [tokens of the reference, tokens of the answer]."""
    nearest, back = similar.max(axis=1), similar.max(axis=0)
    recall, precision = float(nearest @ weights), float(back @ rarity / rarity.sum())
    near, same = (
        float(weights @ np.exp(-((nearest - one) ** 2) / (2 * SPREAD**2))) for one in (NEAR, SAME)
    )
    wanted, said = np.log1p(similar.shape).tolist()
    return [
        recall,
        precision,
        2 * recall * precision / max(recall + precision, 1e-6),
        near,
        same,
        _quantile(nearest, weights),
        _in_order(similar, weights),
        said,
        said - wanted,
    ]


def _quantile(nearest: Floats, weights: Floats) -> float:
    """Of the reference's weight, a quarter comes no nearer than this."""
    order = np.argsort(nearest, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), WEAKEST))
    return float(nearest[order[min(place, len(order) - 1)]])


def _in_order(similar: Floats, weights: Floats) -> float:
    """The recall of neighbours, two by two; of single tokens where a text has no more than one."""
    if min(similar.shape) < 2:
        return float(similar.max(axis=1) @ weights)
    both = (similar[:-1, :-1] + similar[1:, 1:]) / 2
    counts = weights[:-1] + weights[1:]
    return float(both.max(axis=1) @ counts / counts.sum())
