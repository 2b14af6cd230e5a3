"""How near an answer comes to a criterion, as the facts that the general calibration goes by.

None of them names a question: facts of the question alone (how long its reference is, how much of
it the prompt says) let a model learn how hard the marked questions were, and carried over badly.
"""

from collections.abc import Iterator

import numpy as np

from inference_server.arrays import Floats
from inference_server.marking.matching import LEAST_RARITY, Reading, Rubric, blocks

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
"""In their order; stored artefacts name them."""


def facts(reading: Reading, rubric: Rubric, criteria: int) -> Floats | None:
    """[criteria, NAMES], each row by the reference that the answer comes nearest to.

    None where a criterion has no reference, or the answer no tokens.
    """
    if not len(reading.vectors) or len(np.unique(rubric.owners)) < criteria:
        return None
    rarity = np.maximum(reading.rarity, LEAST_RARITY)
    best: dict[int, tuple[float, list[float]]] = {}
    for block in blocks(rubric, len(reading.vectors)):
        for criterion, strength, row in _nearest(reading, block, rarity):
            if criterion not in best or strength > best[criterion][0]:
                best[criterion] = strength, row
    return np.array([best[criterion][1] for criterion in range(criteria)], np.float32)


def _nearest(
    reading: Reading, rubric: Rubric, rarity: Floats
) -> Iterator[tuple[int, float, list[float]]]:
    """Each criterion with the strength and the facts of its nearest reference."""
    cosines = rubric.vectors @ reading.vectors.T
    strengths = np.add.reduceat(cosines.max(axis=1) * rubric.weights, rubric.starts)
    ends = [*rubric.starts[1:].tolist(), len(rubric.vectors)]
    for criterion in np.unique(rubric.owners).tolist():
        own = np.flatnonzero(rubric.owners == criterion)
        best = int(own[strengths[own].argmax()])
        tokens = slice(int(rubric.starts[best]), ends[best])
        row = _facts(cosines[tokens], rubric.weights[tokens], rarity)
        yield criterion, float(strengths[best]), row


def _facts(cosines: Floats, weights: Floats, rarity: Floats) -> list[float]:
    """The facts of a reference, from cosines [its tokens, tokens of the answer]."""
    nearest, back = cosines.max(axis=1), cosines.max(axis=0)
    recall, precision = float(nearest @ weights), float(back @ rarity / rarity.sum())
    near, same = (
        float(weights @ np.exp(-((nearest - centre) ** 2) / (2 * SPREAD**2)))
        for centre in (NEAR, SAME)
    )
    reference_length, answer_length = np.log1p(cosines.shape).tolist()
    return [
        recall,
        precision,
        2 * recall * precision / max(recall + precision, 1e-6),
        near,
        same,
        _weakest(nearest, weights),
        _in_order(cosines, weights),
        answer_length,
        answer_length - reference_length,
    ]


def _weakest(nearest: Floats, weights: Floats) -> float:
    """A quarter of the reference's weight comes no nearer than this."""
    order = np.argsort(nearest, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order]), WEAKEST))
    return float(nearest[order[min(place, len(order) - 1)]])


def _in_order(cosines: Floats, weights: Floats) -> float:
    """The recall of neighbours, two by two; of single tokens where a text has no more than one."""
    if min(cosines.shape) < 2:
        return float(cosines.max(axis=1) @ weights)
    pairs = (cosines[:-1, :-1] + cosines[1:, 1:]) / 2
    counts = weights[:-1] + weights[1:]
    return float(pairs.max(axis=1) @ counts / counts.sum())
