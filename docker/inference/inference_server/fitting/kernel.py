"""Fits the kernel ridge regression.

What is predicted of a fold by the fit without it follows from the inverse of the one matrix (block
leave-out, as in generalised cross-validation, Golub et al. 1979).
"""

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
    """The learner, and its predictions [texts, outputs] of each text without the text's fold.

    `targets` is [texts, outputs], `folds` [texts]. The ridge is the one whose predictions out of
    fold have the least squared error.
    """
    plain = [text.text for text in texts]
    vocabularies = [vocabulary_of(plain, kind) for kind in KINDS]
    rows = [vocabulary.rows(plain) for vocabulary in vocabularies]
    raw_facts = np.stack([text.facts for text in texts])
    scaling = scaling_of(raw_facts)
    facts = scaling(raw_facts)
    matrix = sum((part @ part.T).toarray() for part in rows) / len(rows)
    matrix = matrix + FACTS * radial(facts, facts)
    mean = targets.mean(axis=0).astype(np.float32)
    centred = targets.astype(np.float32) - mean
    fits = [_solve(matrix, centred, folds, ridge) for ridge in RIDGES]
    dual, out_of_fold = min(fits, key=lambda fit: float(((fit[1] - centred) ** 2).mean()))
    weights = [np.asarray(part.T @ dual / len(rows), np.float32) for part in rows]
    return Kernel(vocabularies, weights, scaling, facts, dual, mean), out_of_fold + mean


def scaling_of(rows: Floats) -> Scaling:
    """The scaling of rows [examples, numbers]; what is the same in all of them becomes 0."""
    spread = rows.std(axis=0)
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0) / np.sqrt(rows.shape[1])
    return Scaling(rows.mean(axis=0), scale.astype(np.float32))


def _solve(matrix: Floats, targets: Floats, folds: Indices, ridge: float) -> tuple[Floats, Floats]:
    """The dual coefficients, and the targets as predicted without each example's fold."""
    system = matrix.astype(np.float32)
    system[np.diag_indices(len(system))] += ridge
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("the examples' kernel is not positive")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    dual: Floats = inverse @ targets
    out_of_fold = np.empty_like(targets)
    for fold in np.unique(folds):
        own = np.flatnonzero(folds == fold)
        out_of_fold[own] = targets[own] - np.linalg.solve(inverse[np.ix_(own, own)], dual[own])
    return dual, out_of_fold
