"""The calibrated model of a question, and what it says of a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Floats
from inference_server.judging.confidence import Confidence
from inference_server.judging.heads import Heads
from inference_server.judging.kernel import Kernel
from inference_server.judging.scale import Scale, level_of
from inference_server.judging.stack import Stack, features
from inference_server.judging.support import Support
from inference_server.judging.texts import Text
from inference_server.judging.unmarked import Unmarked

BOUND = 0.97
"""A ridge regression's targets are brought within (1 - BOUND, BOUND) before their log odds."""


@dataclass(frozen=True)
class Verdict:
    """Points given, the mean of their distribution, and the chance that people give the same."""

    points: float
    expected: float
    confidence: float


@dataclass(frozen=True)
class Judge:
    """How what the learners say of the total, or of a criterion, becomes points.

    `cuts` [levels - 1] are the means from which on each level is given.
    """

    scale: Scale
    stack: Stack
    cuts: Doubles
    confidence: Confidence

    def verdicts(self, columns: Doubles) -> list[Verdict]:
        """A verdict for each text, from the stack's `features` of the texts."""
        at_least = self.scale.at_least(self.stack.chances(columns))
        expected = self.scale.expected(at_least)
        index = level_of(self.cuts, expected)
        confidence = self.confidence(self.scale.chance(at_least, index))
        return verdicts_of(self.scale.levels[index], expected, confidence)


def verdicts_of(points: Doubles, expected: Doubles, confidence: Doubles) -> list[Verdict]:
    """A verdict for each text, from three arrays [texts]."""
    return [Verdict(*map(float, row)) for row in zip(points, expected, confidence, strict=True)]


@dataclass(frozen=True)
class Model:
    """`judges` has the total's first, then those of the criteria that were calibrated.

    `columns` says which of the learners' outputs each judge uses. `support` is None in a model that
    was stored before there was one.
    """

    kernel: Kernel
    heads: Heads
    unmarked: Unmarked
    judges: Sequence[Judge]
    columns: Sequence[slice]
    support: Support | None

    def knows(self, text: Text) -> bool:
        """Whether the text is like those that it was fitted to."""
        return self.support is None or self.support.has(text)

    def judge(self, text: Text) -> list[Verdict]:
        """The verdict of each judge: a function of the text alone."""
        kernel, heads = self.kernel.predict(text)[None], self.heads.predict(text)[None]
        shares = self.unmarked.shares(text.facts[None]).T
        return [
            judge.verdicts(features(learners_odds(kernel, heads, columns), own_shares))[0]
            for judge, columns, own_shares in zip(self.judges, self.columns, shares, strict=True)
        ]


def learners_odds(kernel: Floats, heads: Floats, columns: slice) -> list[Doubles]:
    """Both learners' log odds [texts, columns], from their predictions [texts, outputs]."""
    share = np.clip(kernel[:, columns].astype(np.float64), 1 - BOUND, BOUND)
    return [np.log(share / (1 - share)), heads[:, columns].astype(np.float64)]
