"""Fits on some answers and judges others: folds, draws of few answers, and the simple method.

Everything that is fitted is fitted to the training part alone: vocabulary, axes, stacking, cuts,
confidence, and the cut-off of the promise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import AnyArray, Doubles, Indices
from inference_server.fitting import model as fit
from inference_server.fitting.folds import fold_of
from inference_server.fitting.scale import cuts_of, scale_of
from inference_server.fitting.vocabulary import vocabulary_of
from inference_server.judging.ngrams import KINDS
from inference_server.judging.scale import level_of
from inference_server.judging.texts import Text
from scoring.agreement import coverage

TARGET = 0.95
DRAWS = (1, 2, 3)
NEVER = 2.0
"""A confidence that nothing reaches: the promise was declined."""


@dataclass
class Outcome:
    """Of answers that no one fitted to: people's points, ours, confidence and the promise's cut."""

    points: Doubles
    given: Doubles
    confidence: Doubles
    cut: Doubles


@dataclass(frozen=True)
class Job:
    """Fit to these, and to texts that are `worthless`; judge those."""

    train: Sequence[Text]
    train_points: Doubles
    test: Sequence[Text]
    test_points: Doubles
    worthless: Sequence[Text]


def run(job: Job) -> Outcome:
    """One fit, as the service makes it, and its verdicts on the other answers."""
    count = len(job.test)
    if len(set(job.train_points)) < 2:
        constant = np.full(count, job.train_points[0])
        return Outcome(job.test_points, constant, np.full(count, 0.5), np.full(count, NEVER))
    fitted = fit.fit(job.train, [job.train_points], np.ones((1, 1)), worthless=job.worthless)
    own = [
        (verdicts[0].confidence, verdicts[0].points == points)
        for verdicts, points in zip(fitted.out_of_fold, job.train_points, strict=True)
    ]
    found = coverage.threshold(own, TARGET)
    verdicts = [fitted.model.judge(text)[0] for text in job.test]
    return Outcome(
        job.test_points,
        np.array([one.points for one in verdicts]),
        np.array([one.confidence for one in verdicts]),
        np.full(count, found.threshold if found else NEVER),
    )


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The folds' outcomes as one."""
    names = ("points", "given", "confidence", "cut")
    return Outcome(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


def folds(texts: Sequence[Text], named: Sequence[str]) -> Indices:
    """The file's own folds where it names them, else those of the product."""
    if len(set(named)) > 1:
        known = sorted(set(named))
        return np.array([known.index(one) for one in named])
    return np.array([fold_of(text.text) for text in texts])


def by_fold(
    texts: Sequence[Text], points: Doubles, fold: Indices, worthless: Sequence[Text]
) -> Iterator[Job]:
    """A job a fold that is left out."""
    for one in np.unique(fold):
        yield _job(texts, points, fold != one, worthless)


def drawn(
    texts: Sequence[Text], points: Doubles, count: int, worthless: Sequence[Text]
) -> Iterator[Job]:
    """Three draws of so many answers, each tested on the rest."""
    for seed in DRAWS:
        mine = np.zeros(len(texts), bool)
        mine[np.random.default_rng(seed).choice(len(texts), count, replace=False)] = True
        yield _job(texts, points, mine, worthless)


def _job(texts: Sequence[Text], points: Doubles, mine: AnyArray, worthless: Sequence[Text]) -> Job:
    train = [text for text, one in zip(texts, mine, strict=True) if one]
    test = [text for text, one in zip(texts, mine, strict=True) if not one]
    return Job(train, points[mine], test, points[~mine], worthless)


def simple(texts: Sequence[Text], points: Doubles, fold: Indices) -> Doubles:
    """The points by the simplest trained method: n-grams of characters, ridge, cuts in the fold."""
    given = np.zeros(len(points))
    for one in np.unique(fold):
        train, test = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        plain = [text.text for text in texts]
        vocabulary = vocabulary_of([plain[i] for i in train], KINDS[0])
        rows = vocabulary.rows(plain)
        matrix = (rows[train] @ rows[train].T).toarray() + np.eye(len(train))
        mean = points[train].mean()
        pull = np.linalg.solve(matrix, points[train] - mean)
        said = np.asarray(rows @ (rows[train].T @ pull)) + mean
        scale = scale_of(points[train])
        # Ridge draws towards the mean; its own fit to the training answers tells nothing of cuts.
        inverse = np.linalg.inv(matrix)
        without = points[train] - pull / np.diag(inverse)
        given[test] = scale.levels[level_of(cuts_of(scale, without, points[train]), said[test])]
    return given
