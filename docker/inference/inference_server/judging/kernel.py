"""Kernel ridge regression on n-grams and facts, as a learner that predicts.

The kernel is a sum: n-grams linearly, so that they cost one weight a gram, and a radial basis over
facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Floats
from inference_server.judging.ngrams import Vocabulary
from inference_server.judging.texts import Text

FACTS = 0.3
"""How much the facts count beside the n-grams."""


@dataclass(frozen=True)
class Scaling:
    """Subtracts the mean and multiplies, so that rows have a squared length of one on average."""

    mean: Floats
    scale: Floats

    def __call__(self, rows: Floats) -> Floats:
        scaled: Floats = (rows - self.mean) * self.scale
        return scaled


@dataclass(frozen=True)
class Kernel:
    """The fitted learner.

    `grams` has, for each vocabulary, weights [n-grams, outputs]; `facts` [examples, facts] are the
    examples' scaled facts, and `dual` [examples, outputs] the dual coefficients of their kernel;
    `mean` [outputs] is the mean target.
    """

    vocabularies: Sequence[Vocabulary]
    grams: Sequence[Floats]
    scaling: Scaling
    facts: Floats
    dual: Floats
    mean: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: the targets as the regression predicts them, unbounded."""
        total = self.mean[None]
        for vocabulary, weights in zip(self.vocabularies, self.grams, strict=True):
            total = total + vocabulary.rows([text.text]) @ weights
        near = FACTS * radial(self.scaling(text.facts)[None], self.facts)
        prediction: Floats = (total + near @ self.dual)[0]
        return prediction


def radial(rows: Floats, others: Floats) -> Floats:
    """[rows, others]: exp(-d² / 2) of the distances d between rows [rows, n] and [others, n]."""
    squares = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * rows @ others.T
    near: Floats = np.exp(-np.maximum(squares, 0) / 2)
    return near
