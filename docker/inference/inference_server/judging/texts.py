"""A text as the learners of a calibration see it: its words, token vectors and a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inference_server.arrays import Floats, Halves
from inference_server.judging.ngrams import WORD
from inference_server.marking.matching import Match, Reading

MAX_ROWS = 160
"""Of a longer text neighbouring tokens are averaged, so that no more rows remain."""
SIZES = 4
"""Facts that come before the strengths."""
STRENGTH = 10.0
"""Strengths differ by tenths where log lengths differ by ones."""


@dataclass(frozen=True)
class Text:
    """A folded text: `tokens` [rows, width], and `facts`, its lengths and its strengths."""

    text: str
    tokens: Halves
    facts: Floats

    @classmethod
    def of(cls, reading: Reading, matches: Sequence[Match]) -> Self:
        """From the encoder's reading, and its match with each criterion."""
        vectors = reading.vectors
        if not len(vectors):
            vectors = np.zeros((1, vectors.shape[1]), np.float32)
        words = WORD.findall(reading.text.lower())
        sizes = [len(reading.text), len(vectors), len(words), len(set(words))]
        facts = [*np.log1p(sizes), *(match.strength * STRENGTH for match in matches)]
        tokens = _thinned(vectors).astype(np.float16)
        return cls(reading.text, tokens, np.array(facts, np.float32))


def _thinned(vectors: Floats) -> Floats:
    """The vectors, or means of neighbours where there are more than MAX_ROWS."""
    stride = -(-len(vectors) // MAX_ROWS)
    if stride == 1:
        return vectors
    starts = np.arange(0, len(vectors), stride)
    sizes = np.diff([*starts, len(vectors)])[:, None]
    return np.asarray(np.add.reduceat(vectors, starts) / sizes, np.float32)
