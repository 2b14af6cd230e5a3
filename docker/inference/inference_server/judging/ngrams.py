"""Hashed n-grams of characters and words, and texts as rows of their weights.

Extraction is array arithmetic over all texts at once: the hash of an n-gram is that of its first
n - 1 symbols mixed with the last symbol.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import regex
from numpy.typing import NDArray
from scipy import sparse

from inference_server.arrays import Floats, Indices

Hashes = NDArray[np.uint64]
Symbols = NDArray[np.uint32]
MIX = np.uint64(0x9E3779B97F4A7C15)
"""The golden ratio as a 64-bit multiplier (Fibonacci hashing, Knuth, TAOCP 6.4)."""
SHIFT = np.uint64(29)
WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]|\w+|[^\w\s]")
"""A word; where words are not set apart by spaces, a character."""


def characters(text: str) -> Symbols:
    """The code points in lower case, with a blank before and behind."""
    return np.frombuffer(f" {text.lower()} ".encode("utf-32-le", "replace"), np.uint32)


def words(text: str) -> Symbols:
    """A number for each word."""
    return np.array([crc32(word.encode()) for word in WORD.findall(text.lower())], np.uint32)


@dataclass(frozen=True)
class Kind:
    """A kind of n-grams: what their symbols are, and how many they have."""

    split: Callable[[str], Symbols]
    shortest: int
    longest: int


KINDS = (Kind(characters, 2, 6), Kind(words, 1, 3))


def grams(texts: Sequence[str], kind: Kind) -> tuple[Indices, Hashes]:
    """Of every n-gram in the texts, the index of its text and its hash."""
    symbols = [kind.split(text) for text in texts]
    lengths = np.array([len(row) for row in symbols], np.int64)
    flat = np.concatenate([*symbols, np.zeros(0, np.uint32)]).astype(np.uint64)
    owners, ends = np.repeat(np.arange(len(texts)), lengths), np.cumsum(lengths)
    left = np.repeat(ends, lengths) - np.arange(len(flat))
    hashes = np.full(len(flat), MIX)
    all_owners, all_hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    for length in range(1, min(kind.longest, len(flat)) + 1):
        count = len(flat) - length + 1
        hashes = (hashes[:count] ^ flat[length - 1 :]) * MIX
        hashes ^= hashes >> SHIFT
        if length >= kind.shortest:
            whole = left[:count] >= length  # An n-gram does not reach into the next text.
            all_owners.append(owners[:count][whole])
            all_hashes.append(hashes[whole])
    return np.concatenate(all_owners), np.concatenate(all_hashes)


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams of a kind that are known, in the order of their hashes, and how rare each is."""

    kind: Kind
    hashes: Hashes
    rarity: Floats

    def rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """[texts, n-grams]: (1 + log count) times rarity (tf-idf), each row of unit length."""
        owners, hashes = grams(texts, self.kind)
        if not len(self.hashes):
            return sparse.csr_matrix((len(texts), 0), dtype=np.float32)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        known = self.hashes[places] == hashes
        cells = owners[known] * len(self.hashes) + places[known]
        cells, counts = np.unique(cells, return_counts=True)
        rows, columns = np.divmod(cells, len(self.hashes))
        values = (1 + np.log(counts)) * self.rarity[columns]
        lengths = np.sqrt(np.bincount(rows, values**2, len(texts)))
        values = (values / lengths[rows]).astype(np.float32)
        starts = np.searchsorted(rows, np.arange(len(texts) + 1))
        return sparse.csr_matrix((values, columns, starts), (len(texts), len(self.hashes)))
