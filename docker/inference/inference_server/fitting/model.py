"""Fits the model of one question to marked texts, and tells what it reached out of fold."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Indices
from inference_server.fitting import confidence, kernel, stack, training
from inference_server.fitting.folds import fold_of
from inference_server.fitting.scale import cuts, scale_of, targets_of
from inference_server.judging.model import Judge, Model, Verdict, log_odds
from inference_server.judging.scale import Scale, chosen, together
from inference_server.judging.texts import Text

SEED = 20_240_601
Say = Callable[[str, float], None]


@dataclass(frozen=True)
class Fitted:
    """The model, and for each text the verdicts (total, then criteria) of fits without it."""

    model: Model
    without: Sequence[Sequence[Verdict]]


class Progress:
    """Tells how far it is; whoever listens may raise to stop."""

    def __init__(self, say: Say, steps: int) -> None:
        self.say, self.steps, self.done = say, steps, 0
        self.lock = threading.Lock()

    def step(self) -> None:
        """One more step of training."""
        with self.lock:
            self.done += 1
            self.say("heads", 0.2 + 0.75 * min(self.done / self.steps, 1.0))


def fit(
    texts: Sequence[Text],
    points: "Sequence[Doubles]",
    say: Say = lambda _stage, _fraction: None,
    seed: int = SEED,
) -> Fitted:
    """`points` are those of the total, then of each criterion; NaN where a text has none.

    Of each, two different ones at least.
    """
    folds = np.array([fold_of(text.text) for text in texts])
    scales = [scale_of(one[~np.isnan(one)]) for one in points]
    columns = together(scales)
    targets, known = _targets(scales, points)
    say("kernel", 0.0)
    by_kernel, kernel_said = kernel.fit(texts, _filled(targets, known), folds)
    progress = Progress(say, training.steps_of(folds))
    by_heads, heads_said = training.fit(texts, targets, known, folds, seed, progress.step)
    say("stack", 0.95)
    judges, verdicts = [], []
    for scale, where, given in zip(scales, columns, points, strict=True):
        judge, found = _judge(scale, log_odds(kernel_said, heads_said, where), given, folds)
        judges.append(judge)
        verdicts.append(found)
    return Fitted(Model(by_kernel, by_heads, judges, columns), list(zip(*verdicts, strict=True)))


def _targets(scales: Sequence[Scale], points: Sequence[Doubles]) -> tuple[Doubles, Doubles]:
    """[texts, learned levels of all]: 1 where reached; and 1 where that is known."""
    pairs = list(zip(scales, points, strict=True))
    targets = [targets_of(scale, np.nan_to_num(one)) for scale, one in pairs]
    known = [np.repeat(~np.isnan(one)[:, None], len(scale.learned), 1) for scale, one in pairs]
    return np.concatenate(targets, axis=1), np.concatenate(known, axis=1).astype(np.float64)


def _filled(targets: Doubles, known: Doubles) -> Doubles:
    """Where a target is not known, its mean over those that are."""
    mean = (targets * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known > 0, targets, mean)


def _judge(
    scale: Scale, said: Sequence[Doubles], points: Doubles, folds: Indices
) -> tuple[Judge, list[Verdict]]:
    """How points follow from what the learners said out of fold; and the verdicts on each fold by
    what was fitted to the others.
    """
    here = ~np.isnan(points)
    parts = [(folds == fold, (folds != fold) & here) for fold in np.unique(folds)]
    reached = np.zeros((len(points), len(scale.levels) - 1))
    for mine, others in parts:
        fitted = stack.fit([one[others] for one in said], targets_of(scale, points[others]))
        reached[mine] = scale.reached(fitted.chances([one[mine] for one in said]))
    expected = scale.expected(reached)
    index = np.zeros(len(points), np.int64)
    for mine, others in parts:
        index[mine] = chosen(cuts(scale, expected[others], points[others]), expected[mine])
    chances = scale.chance(reached, index)
    agrees = (scale.levels[index] == points).astype(np.float64)
    sure = np.zeros(len(points))
    for mine, others in parts:
        sure[mine] = confidence.fit(chances[others], agrees[others])(chances[mine])
    judge = Judge(
        scale,
        stack.fit([one[here] for one in said], targets_of(scale, points[here])),
        cuts(scale, expected[here], points[here]),
        confidence.fit(chances[here], agrees[here]),
    )
    return judge, [
        Verdict(float(a), float(b), float(c))
        for a, b, c in zip(scale.levels[index], expected, sure, strict=True)
    ]
