"""Clusters of token vectors, and how near a text comes to each: a bag of words in context."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inference_server.calibration.ngrams import Floats
from inference_server.calibration.texts import Text

CLUSTERS, ROUNDS, SAMPLE = 256, 8, 20_000


@dataclass(frozen=True)
class Concepts:
    """`centres` is [clusters, width], of length one after `mean` is taken off."""

    mean: Floats
    centres: Floats

    @classmethod
    def of(cls, texts: Sequence[Text], seed: int) -> Self:
        """Spherical k-means over a sample of the tokens."""
        random = np.random.default_rng(seed)
        tokens = np.concatenate([text.tokens for text in texts]).astype(np.float32)
        if len(tokens) > SAMPLE:
            tokens = tokens[np.sort(random.choice(len(tokens), SAMPLE, replace=False))]
        mean = tokens.mean(axis=0)
        tokens = _unit(tokens - mean)
        count = min(CLUSTERS, len(tokens))
        centres = tokens[np.sort(random.choice(len(tokens), count, replace=False))]
        for _ in range(ROUNDS):
            nearest = (tokens @ centres.T).argmax(axis=1)
            order = np.argsort(nearest, kind="stable")
            present, firsts = np.unique(nearest[order], return_index=True)
            centres[present] = _unit(np.add.reduceat(tokens[order], firsts))
        return cls(mean, centres)

    def nearness(self, text: Text) -> Floats:
        """The text's greatest cosine to each centre."""
        tokens = _unit(text.tokens.astype(np.float32) - self.mean)
        most: Floats = (tokens @ self.centres.T).max(axis=0)
        return most


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return unit
