"""Fits the kernel ridge regression.

What is predicted of a fold by the fit without it follows from the inverse of the one matrix (block
leave-out, as in generalised cross-validation, Golub et al. 1979).
"""

import numpy as np
from scipy.linalg import lapack

from inference_server.arrays import Doubles, Floats, Indices
from inference_server.fitting.folds import left_out
from inference_server.fitting.lessons import Lessons
from inference_server.fitting.vocabulary import vocabulary_of
from inference_server.judging.kernel import FACTS, Kernel, Scaling, radial
from inference_server.judging.ngrams import KINDS

RIDGES = (0.15, 0.4, 1.0)


def fit(lessons: Lessons, targets: Doubles) -> tuple[Kernel, Floats]:
    """The learner, and its predictions [marked, outputs] of each marked text without its fold.

    `targets` is [marked, outputs]. The ridge is the one whose predictions out of fold have the
    least squared error. Vocabularies, scaling and mean are those of the marked texts: what is worth
    nothing is compared with them.
    """
    marked, plain = lessons.marked, [text.text for text in lessons.texts]
    vocabularies = [vocabulary_of(plain[:marked], kind) for kind in KINDS]
    rows = [vocabulary.rows(plain) for vocabulary in vocabularies]
    raw_facts = np.stack([text.facts for text in lessons.texts])
    scaling = scaling_of(raw_facts[:marked])
    facts = scaling(raw_facts)
    matrix = sum((part @ part.T).toarray() for part in rows) / len(rows)
    matrix = matrix + FACTS * radial(facts, facts)
    mean = targets.mean(axis=0).astype(np.float32)
    centred = lessons.with_nothing(targets).astype(np.float32) - mean
    fits = [_solve(matrix, centred, lessons.folds, ridge / lessons.weights) for ridge in RIDGES]
    dual, out_of_fold = min(fits, key=lambda fit: float(((fit[1] - centred)[:marked] ** 2).mean()))
    weights = [np.asarray(part.T @ dual / len(rows), np.float32) for part in rows]
    return Kernel(vocabularies, weights, scaling, facts, dual, mean), out_of_fold[:marked] + mean


def scaling_of(rows: Floats) -> Scaling:
    """The scaling of rows [examples, numbers]; what is the same in all of them becomes 0."""
    spread = rows.std(axis=0)
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0) / np.sqrt(rows.shape[1])
    return Scaling(rows.mean(axis=0), scale.astype(np.float32))


def _solve(
    matrix: Floats, targets: Floats, folds: Indices, ridges: Doubles
) -> tuple[Floats, Floats]:
    """The dual coefficients, and the targets as predicted without each example's fold.

    Each of `ridges` [examples] holds a coefficient near 0. What no fold leaves out stays 0.
    """
    system = matrix.astype(np.float32)
    system[np.diag_indices(len(system))] += ridges.astype(np.float32)
    factor, failed = lapack.spotrf(system, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("the examples' kernel is not positive")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    dual: Floats = inverse @ targets
    out_of_fold = np.zeros_like(targets)
    for fold in left_out(folds):
        own = np.flatnonzero(folds == fold)
        out_of_fold[own] = targets[own] - np.linalg.solve(inverse[np.ix_(own, own)], dual[own])
    return dual, out_of_fold
