"""A text's phrases, causes and quantities, with a vector for each phrase."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from inference_server.arrays import Floats, Mask
from inference_server.marking.matching import Reading
from inference_server.marking.polarity import english, japanese
from inference_server.marking.polarity.causes import Cause, Span, causes
from inference_server.marking.polarity.phrases import DENIED, Phrase
from inference_server.marking.polarity.quantities import Quantity, quantities

CLAUSES = {"ja": japanese.clauses, "en": english.clauses}
DENIES = {"ja": japanese.denies, "en": english.denies}


@dataclass(frozen=True)
class Outline:
    """What a text says, as far as it can be turned around.

    `places` has the tokens [first, last) of each phrase's word among the vectors of `tokens`,
    [tokens, width].
    """

    text: str
    language: str
    phrases: Sequence[Phrase]
    places: Sequence[Span]
    tokens: Floats
    causes: Sequence[Cause]
    quantities: Sequence[Quantity]

    @classmethod
    def of(cls, reading: Reading, language: str) -> Self:
        """The outline of a text as the encoder read it in one window."""
        text = lowered(reading.text)
        starts, ends = [start for start, _ in reading.offsets], [end for _, end in reading.offsets]
        phrases, places = [], []
        for clause in CLAUSES[language](text):
            for phrase in clause.phrases():
                word = phrase.word
                place = bisect_right(ends, word.start), bisect_left(starts, word.end)
                if place[0] < place[1]:
                    phrases.append(phrase)
                    places.append(place)
        return cls(
            text,
            language,
            phrases,
            places,
            reading.vectors,
            causes(text, language),
            quantities(text, language),
        )

    @cached_property
    def denies(self) -> bool:
        """Whether anything in the text may deny."""
        return DENIES[self.language](self.text)

    @cached_property
    def by_stem(self) -> Mapping[str, list[int]]:
        """The indices of the phrases by the stem of their word, where that has two letters."""
        indices: dict[str, list[int]] = defaultdict(list)
        for index, phrase in enumerate(self.phrases):
            if len(phrase.word.stem) > 1:
                indices[phrase.word.stem].append(index)
        return dict(indices)

    @cached_property
    def vectors(self) -> Floats:
        """[phrases, width], each the unit vector of its word's tokens."""
        members = np.zeros((len(self.places), len(self.tokens)), np.float32)
        for row, (first, last) in enumerate(self.places):
            members[row, first:last] = 1
        sums = members @ self.tokens
        norms = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        return np.asarray(sums / np.maximum(norms, 1e-12)[:, None], np.float32)

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
        any(each.denies or each.causes or each.quantities for each in references)
        or DENIES[language](text)
    )


def lowered(text: str) -> str:
    """The text in lower case, unless that has another number of code points (İ)."""
    changed = text.lower()
    return changed if len(changed) == len(text) else text


def is_readable(reading: Reading) -> bool:
    """Whether the encoder read the text in one window, whose tokens stand in its order."""
    starts = [start for start, _ in reading.offsets]
    return starts == sorted(starts)
