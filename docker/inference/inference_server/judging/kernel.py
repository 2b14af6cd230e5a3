"""Kernel ridge regression on n-grams and facts.

The kernel is a sum: n-grams linearly, so that they cost one weight a gram, and a radial basis over
facts. What is predicted of a fold by the fit without it follows from the inverse of the one matrix
(block leave-out, as of generalised cross-validation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import lapack

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.judging.ngrams import KINDS, Vocabulary
from inference_server.judging.texts import Text

RIDGES = (0.15, 0.4, 1.0)
FACTS = 0.3
"""What the facts count beside the n-grams."""


@dataclass(frozen=True)
class Scaling:
    """Takes off the mean and divides so that the squared length is one on the average."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, rows: Floats) -> Self:
        """From [examples, numbers]."""
        spread = rows.std(axis=0)
        scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0) / np.sqrt(rows.shape[1])
        return cls(rows.mean(axis=0), scale.astype(np.float32))

    def __call__(self, rows: Floats) -> Floats:
        scaled: Floats = (rows - self.mean) * self.scale
        return scaled


@dataclass(frozen=True)
class Kernel:
    """The fitted learner: a weight for each gram, and for each example its facts and `pull`."""

    vocabularies: Sequence[Vocabulary]
    grams: Sequence[Floats]
    scaling: Scaling
    facts: Floats
    pull: Floats
    middle: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: the targets as the regression has them, unbounded."""
        found = self.middle[None]
        for vocabulary, weights in zip(self.vocabularies, self.grams, strict=True):
            found = found + vocabulary.rows([text.text]) @ weights
        near = FACTS * _radial(self.scaling(text.facts)[None], self.facts)
        total: Floats = (found + near @ self.pull)[0]
        return total


def fit(texts: Sequence[Text], targets: Doubles, folds: Indices) -> tuple[Kernel, Floats]:
    """The learner, and what it predicts of each fold without that fold.

    The ridge is the one with the least error so.
    """
    plain = [text.text for text in texts]
    vocabularies = [Vocabulary.of(plain, kind) for kind in KINDS]
    rows = [vocabulary.rows(plain) for vocabulary in vocabularies]
    told = np.stack([text.facts for text in texts])
    scaling = Scaling.of(told)
    facts = scaling(told)
    matrix = sum((one @ one.T).toarray() for one in rows) / len(rows)
    matrix = matrix + FACTS * _radial(facts, facts)
    middle = targets.mean(axis=0).astype(np.float32)
    wanted = targets.astype(np.float32) - middle
    tried = [_solve(matrix, wanted, folds, ridge) for ridge in RIDGES]
    pull, without = min(tried, key=lambda one: float(((one[1] - wanted) ** 2).mean()))
    weights = [np.asarray(one.T @ pull / len(rows), np.float32) for one in rows]
    return Kernel(vocabularies, weights, scaling, facts, pull, middle), without + middle


def _radial(one: Floats, other: Floats) -> Floats:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    near: Floats = np.exp(-np.maximum(squares, 0) / 2)
    return near


def _solve(matrix: Floats, wanted: Floats, folds: Indices, ridge: float) -> tuple[Floats, Floats]:
    """The examples' pulls, and the targets as predicted without each one's fold."""
    system = matrix.astype(np.float32)
    system[np.diag_indices(len(system))] += ridge
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("the examples' kernel is not positive")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    pull: Floats = inverse @ wanted
    without = np.empty_like(wanted)
    for fold in np.unique(folds):
        mine = np.flatnonzero(folds == fold)
        without[mine] = wanted[mine] - np.linalg.solve(inverse[np.ix_(mine, mine)], pull[mine])
    return pull, without
