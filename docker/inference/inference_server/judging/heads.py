"""Small convolutional heads on token vectors, one for each fold that was left out in training.

A head looks at each token and at each three neighbours for what it has learned to look for, and
asks of the whole text how strongly each was seen at most and how much of it in all. Prediction is
plain numpy, one text at a time, so that it depends on nothing else; training.py trains them.
"""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Floats
from inference_server.judging.texts import Text


@dataclass(frozen=True)
class Basis:
    """The directions in which the question's tokens differ most."""

    mean: Floats
    axes: Floats

    def __call__(self, text: Text) -> Floats:
        """[rows, WIDTH]."""
        rows: Floats = np.asarray(text.tokens, np.float32) - self.mean
        return rows @ self.axes


@dataclass(frozen=True)
class Heads:
    """Weights of all heads: `look` [width, heads x 4 filters], `judge` [heads, 4 filters, out]."""

    basis: Basis
    look: Floats
    look_bias: Floats
    judge: Floats
    judge_bias: Floats

    def predict(self, text: Text) -> Floats:
        """[outputs]: log odds, the mean of the heads."""
        rows = self.basis(text)
        seen = (rows @ self.look).reshape(len(rows), 4, -1)
        seen = np.maximum(_gathered(seen) + self.look_bias, 0)
        most, total = seen.max(axis=0), np.log1p(seen.sum(axis=0))
        heads = len(self.judge)
        pooled = np.concatenate([most, total]).reshape(4, heads, -1).transpose(1, 0, 2)
        odds = np.einsum("hf,hfo->ho", pooled.reshape(heads, -1), self.judge) + self.judge_bias
        mean: Floats = odds.mean(axis=0)
        return mean


def _gathered(seen: Floats) -> Floats:
    """[rows, 2, …] from [rows, 4, …]: the token alone; and it with what is before and behind."""
    alone, before, here, behind = seen.transpose(1, 0, 2)
    three = here.copy()
    three[1:] += before[:-1]
    three[:-1] += behind[1:]
    return np.stack([alone, three], axis=1)
