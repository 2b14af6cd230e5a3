"""Kernel ridge regression on n-grams and facts.

The kernel is a sum: n-grams linearly, so that they cost one weight a gram, and a radial basis over
facts. What is predicted of a fold by the fit without it follows from the inverse of the one matrix
(block leave-out, as of generalised cross-validation).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Floats
from inference_server.judging.ngrams import Vocabulary
from inference_server.judging.texts import Text

FACTS = 0.3
"""What the facts count beside the n-grams."""


@dataclass(frozen=True)
class Scaling:
    """Takes off the mean and divides so that the squared length is one on the average."""

    mean: Floats
    scale: Floats

    def __call__(self, rows: Floats) -> Floats:
        scaled: Floats = (rows - self.mean) * self.scale
        return scaled


@dataclass(frozen=True)
class Kernel:
    """The fitted learner: a weight for each gram, and for each example its facts and `pull`."""

    vocabularies: Sequence[Vocabulary]
    grams: Sequence[Floats]
    scaling: Scaling
    facts: Floats
    pull: Floats
    middle: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: the targets as the regression has them, unbounded."""
        found = self.middle[None]
        for vocabulary, weights in zip(self.vocabularies, self.grams, strict=True):
            found = found + vocabulary.rows([text.text]) @ weights
        near = FACTS * radial(self.scaling(text.facts)[None], self.facts)
        total: Floats = (found + near @ self.pull)[0]
        return total


def radial(one: Floats, other: Floats) -> Floats:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * one @ other.T
    near: Floats = np.exp(-np.maximum(squares, 0) / 2)
    return near
