"""The n-grams that texts have in common."""

from collections.abc import Sequence

import numpy as np

from inference_server.judging.ngrams import Kind, Vocabulary, grams

LEAST_TEXTS, MAX_GRAMS = 2, 60_000
"""An n-gram counts from two texts on; of more than so many those in most texts are kept."""


def vocabulary_of(texts: Sequence[str], kind: Kind) -> Vocabulary:
    """The n-grams of that kind in the texts, with their inverse document frequencies."""
    owners, hashes = grams(texts, kind)
    pairs = np.unique(np.stack([hashes, owners.astype(np.uint64)]), axis=1)
    known, counts = np.unique(pairs[0], return_counts=True)
    kept = counts >= min(LEAST_TEXTS, len(texts))
    known, counts = known[kept], counts[kept]
    if len(known) > MAX_GRAMS:
        most = np.sort(np.argsort(-counts, kind="stable")[:MAX_GRAMS])
        known, counts = known[most], counts[most]
    rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
    return Vocabulary(kind, known, rarity.astype(np.float32))
