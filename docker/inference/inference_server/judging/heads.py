"""Small convolutional heads on token vectors, one for each fold that was left out in training.

A head's filters look at each token, and at each token with its two neighbours; of the whole text
count how strongly each filter responded at most, and how much in all (convolution with pooling over
time, Kim 2014). Prediction is plain numpy, one text at a time, so that it depends on nothing else;
fitting/training.py trains the heads.
"""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Floats
from inference_server.judging.texts import Text


@dataclass(frozen=True)
class Basis:
    """The directions in which the question's tokens differ most: `axes` is [width, WIDTH]."""

    mean: Floats
    axes: Floats

    def __call__(self, text: Text) -> Floats:
        """[rows, WIDTH]: the text's token vectors in these directions."""
        rows: Floats = np.asarray(text.tokens, np.float32) - self.mean
        return rows @ self.axes


@dataclass(frozen=True)
class Heads:
    """The weights of all heads.

    `filters` is [WIDTH, 4 x heads x FILTERS], for the token alone and for the token before, the
    token itself and the token behind; `filter_bias` [2, heads x FILTERS], for the token alone and
    for the three; `output` [heads, 4 x FILTERS, outputs], `output_bias` [heads, outputs].
    """

    basis: Basis
    filters: Floats
    filter_bias: Floats
    output: Floats
    output_bias: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: log odds, the mean of the heads."""
        rows = self.basis(text)
        responses = (rows @ self.filters).reshape(len(rows), 4, -1)
        responses = np.maximum(_gathered(responses) + self.filter_bias, 0)
        greatest, total = responses.max(axis=0), np.log1p(responses.sum(axis=0))
        heads = len(self.output)
        pooled = np.concatenate([greatest, total]).reshape(4, heads, -1).transpose(1, 0, 2)
        odds = np.einsum("hf,hfo->ho", pooled.reshape(heads, -1), self.output) + self.output_bias
        mean: Floats = odds.mean(axis=0)
        return mean


def _gathered(responses: Floats) -> Floats:
    """[rows, 2, …] from [rows, 4, …]: of the token alone, and of the token with its neighbours."""
    alone, before, here, behind = responses.transpose(1, 0, 2)
    three = here.copy()
    three[1:] += before[:-1]
    three[:-1] += behind[1:]
    return np.stack([alone, three], axis=1)
