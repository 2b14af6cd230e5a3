"""The texts that the learners of a calibration learn from, and how much each of them counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inference_server.arrays import Doubles, Indices
from inference_server.fitting.folds import ALWAYS, fold_of
from inference_server.judging.texts import Text

SHARE = 0.25
"""How much the worthless texts count together, as a share of the marked ones."""


@dataclass(frozen=True)
class Lessons:
    """The `marked` texts that people gave points, and behind them those that are worth nothing.

    `folds` [texts] says with which fold a text is left out, ALWAYS where every fit learns from it;
    `weights` [texts] how much it counts: 1 where people marked it.
    """

    texts: Sequence[Text]
    folds: Indices
    weights: Doubles
    marked: int

    @classmethod
    def of(cls, marked: Sequence[Text], worthless: Sequence[Text] = ()) -> Self:
        """From marked texts, each of which is left out with its fold, and from worthless ones."""
        weights = np.ones(len(marked) + len(worthless))
        weights[len(marked) :] = SHARE * len(marked) / max(len(worthless), 1)
        folds = [fold_of(text.text) for text in marked] + [ALWAYS] * len(worthless)
        return cls([*marked, *worthless], np.array(folds, np.int64), weights, len(marked))

    def with_nothing(self, targets: Doubles) -> Doubles:
        """Targets [texts, outputs], from those of the marked texts [marked, outputs]."""
        nothing = np.zeros((len(self.texts) - self.marked, targets.shape[1]))
        return np.concatenate([targets, nothing])
