"""Fits the kernel ridge regression, and tells what it predicts of each fold without it."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import lapack

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.fitting.vocabulary import vocabulary_of
from inference_server.judging.kernel import FACTS, Kernel, Scaling, radial
from inference_server.judging.ngrams import KINDS
from inference_server.judging.texts import Text

RIDGES = (0.15, 0.4, 1.0)


def fit(texts: Sequence[Text], targets: Doubles, folds: Indices) -> tuple[Kernel, Floats]:
    """The learner, and what it predicts of each fold without that fold.

    The ridge is the one with the least error so.
    """
    plain = [text.text for text in texts]
    vocabularies = [vocabulary_of(plain, kind) for kind in KINDS]
    rows = [vocabulary.rows(plain) for vocabulary in vocabularies]
    told = np.stack([text.facts for text in texts])
    scaling = scaling_of(told)
    facts = scaling(told)
    matrix = sum((one @ one.T).toarray() for one in rows) / len(rows)
    matrix = matrix + FACTS * radial(facts, facts)
    middle = targets.mean(axis=0).astype(np.float32)
    wanted = targets.astype(np.float32) - middle
    tried = [_solve(matrix, wanted, folds, ridge) for ridge in RIDGES]
    pull, without = min(tried, key=lambda one: float(((one[1] - wanted) ** 2).mean()))
    weights = [np.asarray(one.T @ pull / len(rows), np.float32) for one in rows]
    return Kernel(vocabularies, weights, scaling, facts, pull, middle), without + middle


def scaling_of(rows: Floats) -> Scaling:
    """From [examples, numbers]."""
    spread = rows.std(axis=0)
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0) / np.sqrt(rows.shape[1])
    return Scaling(rows.mean(axis=0), scale.astype(np.float32))


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
