"""Fits the model of a question to marked texts, and judges each of them out of fold."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Indices
from inference_server.fitting import confidence, kernel, stack, support, training
from inference_server.fitting.lessons import Lessons
from inference_server.fitting.result import Say
from inference_server.fitting.scale import cuts_of, scale_of, targets_of
from inference_server.judging.model import Judge, Model, Verdict, learners_odds, verdicts_of
from inference_server.judging.scale import Scale, columns_of, level_of
from inference_server.judging.stack import features
from inference_server.judging.texts import Text
from inference_server.judging.unmarked import Unmarked

SEED = 20_240_601


@dataclass(frozen=True)
class Fit:
    """The model, and for each text the verdicts (total, then criteria) of fits without its fold."""

    model: Model
    out_of_fold: Sequence[Sequence[Verdict]]


class Progress:
    """Counts the steps of training, which several threads take, and reports them.

    The lock makes each step counted once, and lets one thread report at a time. Where `say` raises
    to stop the fit, it does so in the thread that reports; the others' next steps raise likewise.
    """

    def __init__(self, say: Say, steps: int) -> None:
        self.say, self.steps, self.done = say, steps, 0
        self.lock = threading.Lock()

    def step(self) -> None:
        """A further step of training is about to begin."""
        with self.lock:
            self.done += 1
            self.say("heads", 0.2 + 0.75 * min(self.done / self.steps, 1.0))


def fit(
    texts: Sequence[Text],
    points: "Sequence[Doubles]",
    weights: Doubles,
    say: Say = lambda _stage, _fraction: None,
    seed: int = SEED,
    worthless: Sequence[Text] = (),
) -> Fit:
    """The fit to `points`, arrays [texts]: of the total, then of each criterion.

    NaN stands where a text has no points for a criterion; of each array two values differ.
    `weights` [arrays, criteria] says what each criterion's points weigh in those of the array.
    `worthless` are texts without points. The learners learn from them, and nothing else does: no
    scale, cut, confidence or figure knows of them.
    """
    lessons = Lessons.of(texts, worthless)
    scales = [scale_of(column[~np.isnan(column)]) for column in points]
    columns = columns_of(scales)
    targets, known = _targets(scales, points)
    say("kernel", 0.0)
    fitted_kernel, by_kernel = kernel.fit(lessons, _filled(targets, known))
    progress = Progress(say, training.steps_of(lessons.folds))
    heads, by_heads = training.fit(lessons, targets, known, seed, progress.step)
    say("stack", 0.95)
    unmarked, folds = Unmarked(weights), lessons.folds[: len(texts)]
    shares = unmarked.shares(np.stack([text.facts for text in texts])).T
    judges, verdicts = [], []
    for scale, own_columns, own_shares, own_points in zip(
        scales, columns, shares, points, strict=True
    ):
        stacked = features(learners_odds(by_kernel, by_heads, own_columns), own_shares)
        judge, own_verdicts = _judge(scale, stacked, own_points, folds)
        judges.append(judge)
        verdicts.append(own_verdicts)
    model = Model(fitted_kernel, heads, unmarked, judges, columns, support.fit(lessons))
    return Fit(model, list(zip(*verdicts, strict=True)))


def _targets(scales: Sequence[Scale], points: Sequence[Doubles]) -> tuple[Doubles, Doubles]:
    """[texts, learned levels of all scales]: 1 where reached; and 1 where that is known."""
    pairs = list(zip(scales, points, strict=True))
    targets = [targets_of(scale, np.nan_to_num(column)) for scale, column in pairs]
    known = [
        np.repeat(~np.isnan(column)[:, None], len(scale.learned), 1) for scale, column in pairs
    ]
    return np.concatenate(targets, axis=1), np.concatenate(known, axis=1).astype(np.float64)


def _filled(targets: Doubles, known: Doubles) -> Doubles:
    """The targets, with the mean of the known ones where a target is not known."""
    mean = (targets * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known > 0, targets, mean)


def _judge(
    scale: Scale, columns: Doubles, points: Doubles, folds: Indices
) -> tuple[Judge, list[Verdict]]:
    """How points follow from the stack's `features`, by what learners said out of fold.

    And the verdicts on each fold, by what was fitted to the others.
    """
    is_known = ~np.isnan(points)
    parts = [(folds == fold, (folds != fold) & is_known) for fold in np.unique(folds)]
    at_least = np.zeros((len(points), len(scale.levels) - 1))
    for own, others in parts:
        fitted = stack.fit(columns[others], targets_of(scale, points[others]))
        at_least[own] = scale.at_least(fitted.chances(columns[own]))
    expected = scale.expected(at_least)
    index = np.zeros(len(points), np.int64)
    for own, others in parts:
        index[own] = level_of(cuts_of(scale, expected[others], points[others]), expected[own])
    chances = scale.chance(at_least, index)
    agrees = (scale.levels[index] == points).astype(np.float64)
    sure = np.zeros(len(points))
    for own, others in parts:
        sure[own] = confidence.fit(chances[others], agrees[others])(chances[own])
    judge = Judge(
        scale,
        stack.fit(columns[is_known], targets_of(scale, points[is_known])),
        cuts_of(scale, expected[is_known], points[is_known]),
        confidence.fit(chances[is_known], agrees[is_known]),
    )
    return judge, verdicts_of(scale.levels[index], expected, sure)
