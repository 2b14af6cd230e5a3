"""The calibrated model of one question, and what it says of one text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles, Floats
from inference_server.judging.confidence import Confidence
from inference_server.judging.heads import Heads
from inference_server.judging.kernel import Kernel
from inference_server.judging.scale import Scale, chosen
from inference_server.judging.stack import Stack
from inference_server.judging.texts import Text

BOUND = 0.97
"""A ridge regression's targets are brought within (1 - BOUND, BOUND) before their log odds."""


@dataclass(frozen=True)
class Judge:
    """How the learners' word on one thing, the total or a criterion, becomes points."""

    scale: Scale
    stack: Stack
    cuts: Doubles
    confidence: Confidence

    def verdicts(self, said: Sequence[Doubles]) -> list["Verdict"]:
        """One a text, from each learner's log odds [texts, learned]."""
        reached = self.scale.reached(self.stack.chances(said))
        expected = self.scale.expected(reached)
        index = chosen(self.cuts, expected)
        sure = self.confidence(self.scale.chance(reached, index))
        points = self.scale.levels[index]
        return [
            Verdict(float(a), float(b), float(c))
            for a, b, c in zip(points, expected, sure, strict=True)
        ]


@dataclass(frozen=True)
class Verdict:
    """Points given, the mean of their distribution, and the chance that people give the same."""

    points: float
    expected: float
    confidence: float


@dataclass(frozen=True)
class Model:
    """`judges` has the total first, then each criterion that was calibrated, with its columns."""

    kernel: Kernel
    heads: Heads
    judges: Sequence[Judge]
    columns: Sequence[slice]

    def judge(self, text: Text) -> list[Verdict]:
        """The total's verdict and those of the criteria: a function of the text alone."""
        said = self.kernel.predict(text)[None], self.heads.predict(text)[None]
        return [
            judge.verdicts(log_odds(*said, columns))[0]
            for judge, columns in zip(self.judges, self.columns, strict=True)
        ]


def log_odds(kernel: Floats, heads: Floats, columns: slice) -> list[Doubles]:
    """Both learners' log odds for some of their outputs."""
    share = np.clip(kernel[:, columns].astype(np.float64), 1 - BOUND, BOUND)
    return [np.log(share / (1 - share)), heads[:, columns].astype(np.float64)]
