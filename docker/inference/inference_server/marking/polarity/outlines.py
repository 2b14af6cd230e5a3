"""A text's phrases, causes and quantities, with a vector for each phrase."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from inference_server.arrays import Floats, Indices, Mask
from inference_server.marking.matching import Reading
from inference_server.marking.polarity import english, japanese
from inference_server.marking.polarity.causes import Cause, Span, causes
from inference_server.marking.polarity.phrases import DENIED, Phrase
from inference_server.marking.polarity.quantities import Quantity, quantities

CLAUSES = {"ja": japanese.clauses, "en": english.clauses}
DENIES = {"ja": japanese.denies, "en": english.denies}


@dataclass(frozen=True)
class Outline:
    """`vectors` is [phrases, width], each the unit vector of its word's tokens.

    `denies` says whether anything in the text may deny.
    """

    denies: bool
    phrases: Sequence[Phrase]
    vectors: Floats
    causes: Sequence[Cause]
    quantities: Sequence[Quantity]

    @classmethod
    def of(cls, reading: Reading, language: str) -> Self:
        """The outline of a text as the encoder read it in one window."""
        text = lowered(reading.text)
        found = [phrase for clause in CLAUSES[language](text) for phrase in clause.phrases()]
        starts, ends = np.array(reading.offsets, np.int64).reshape(-1, 2).T
        first = np.searchsorted(ends, [phrase.word.start for phrase in found], "right")
        last = np.searchsorted(starts, [phrase.word.end for phrase in found], "left")
        phrases = [phrase for phrase, a, b in zip(found, first, last, strict=True) if a < b]
        kept = np.asarray(first < last)
        return cls(
            DENIES[language](text),
            phrases,
            _means(reading.vectors, first[kept], last[kept]),
            causes(text, language),
            quantities(text, language),
        )

    @cached_property
    def polarities(self) -> Floats:
        """[phrases]."""
        return np.array([phrase.polarity for phrase in self.phrases], np.float32)

    @cached_property
    def denials(self) -> Mask:
        """[phrases]: whether the word is denied by a negator that stands right at it."""
        return np.array(
            [phrase.polarity == DENIED and phrase.is_turned for phrase in self.phrases], np.bool_
        )

    def within(self, span: Span) -> Mask:
        """[phrases]: whether the word lies in the span."""
        start, end = span
        return np.array(
            [start <= phrase.word.start and phrase.word.end <= end for phrase in self.phrases],
            np.bool_,
        )


def may_turn(text: str, language: str, references: Sequence[Outline]) -> bool:
    """A glance at whether a folded text in lower case could turn around any of the references."""
    return bool(references) and (
        DENIES[language](text)
        or any(each.denies or each.causes or each.quantities for each in references)
    )


def lowered(text: str) -> str:
    """The text in lower case, unless that has another number of code points (İ)."""
    changed = text.lower()
    return changed if len(changed) == len(text) else text


def is_readable(reading: Reading) -> bool:
    """Whether the encoder read the text in one window, whose tokens stand in its order."""
    starts = [start for start, _ in reading.offsets]
    return starts == sorted(starts)


def _means(vectors: Floats, first: Indices, last: Indices) -> Floats:
    """The unit vector of the mean of each run [first, last) of the vectors."""
    sums = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), vectors.cumsum(axis=0)])
    means = sums[last] - sums[first]
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return np.asarray(means, np.float32)
