"""Kernel ridge regression on n-grams, concepts, mean vector and facts, all together.

The kernel is a sum: n-grams linearly, so that they cost one weight a gram, and a radial basis over
concepts and mean vector, and one over facts. What is predicted of a fold by the fit without it
follows from the inverse of the one matrix (block leave-out, as of generalised cross-validation).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg import lapack

from inference_server.calibration.concepts import Concepts
from inference_server.calibration.ngrams import KINDS, Floats, Vocabulary
from inference_server.calibration.scale import Doubles
from inference_server.calibration.texts import Text

RIDGES = (0.15, 0.4, 1.0)
SHARES = (0.35, 0.6)
"""What the n-grams may count beside the radial basis."""
FACTS = 0.1
Folds = np.ndarray[Any, np.dtype[np.int64]]


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
class Space:
    """How a text becomes the numbers that the kernel compares."""

    vocabularies: Sequence[Vocabulary]
    concepts: Concepts
    dense: Scaling
    facts: Scaling

    @classmethod
    def of(cls, texts: Sequence[Text], seed: int) -> Self:
        """Fitted to the texts alone."""
        concepts = Concepts.of(texts, seed)
        plain = [text.text for text in texts]
        dense = np.stack([_dense(text, concepts) for text in texts])
        facts = np.stack([text.facts for text in texts])
        vocabularies = [Vocabulary.of(plain, kind) for kind in KINDS]
        return cls(vocabularies, concepts, Scaling.of(dense), Scaling.of(facts))

    def place(self, text: Text) -> tuple[Floats, Floats]:
        """Its dense numbers and its facts."""
        return self.dense(_dense(text, self.concepts)), self.facts(text.facts)


def _dense(text: Text, concepts: Concepts) -> Floats:
    return np.concatenate([concepts.nearness(text), text.mean])


@dataclass(frozen=True)
class Kernel:
    """The fitted learner: a weight for each gram, and for each example its `pull`."""

    space: Space
    grams: Sequence[Floats]
    dense: Floats
    facts: Floats
    pull: Floats
    share: float
    middle: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: the targets as the regression has them, unbounded."""
        found = self.middle[None]
        for vocabulary, weights in zip(self.space.vocabularies, self.grams, strict=True):
            found = found + vocabulary.rows([text.text]) @ weights
        dense, facts = self.space.place(text)
        near = (1 - self.share) * _radial(dense[None], self.dense)
        near += FACTS * _radial(facts[None], self.facts)
        total: Floats = (found + near @ self.pull)[0]
        return total


def fit(texts: Sequence[Text], targets: Doubles, folds: Folds, seed: int) -> tuple[Kernel, Floats]:
    """The learner, and what it predicts of each fold without that fold.

    Ridge and share are those with the least error so.
    """
    space = Space.of(texts, seed)
    placed = [space.place(text) for text in texts]
    dense, facts = (np.stack(rows) for rows in zip(*placed, strict=True))
    plain = [text.text for text in texts]
    rows = [vocabulary.rows(plain) for vocabulary in space.vocabularies]
    grams = sum((one @ one.T).toarray() for one in rows) / len(rows)
    near, by_facts = _radial(dense, dense), _radial(facts, facts)
    middle = targets.mean(axis=0).astype(np.float32)
    wanted = targets.astype(np.float32) - middle
    best: tuple[float, float, Floats, Floats] | None = None
    for share in SHARES:
        matrix = share * grams + (1 - share) * near + FACTS * by_facts
        for ridge in RIDGES:
            pull, without = _solve(matrix, wanted, folds, ridge)
            error = float(((without - wanted) ** 2).mean())
            if best is None or error < best[0]:
                best = error, share, pull, without
    assert best is not None  # noqa: S101
    _, share, pull, without = best
    by_gram = share / len(rows)
    weights = [np.asarray(by_gram * (one.T @ pull), np.float32) for one in rows]
    return Kernel(space, weights, dense, facts, pull, share, middle), without + middle


def _radial(one: Floats, other: Floats) -> Floats:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    near: Floats = np.exp(-np.maximum(squares, 0) / 2)
    return near


def _solve(matrix: Floats, wanted: Floats, folds: Folds, ridge: float) -> tuple[Floats, Floats]:
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
