"""What a text affirms and what it denies, word by word: the rule for every language.

A language's module cuts a text into clauses of words and negators. A word is denied where an odd
number of negators of its clause acts on it: in Japanese those behind it, in English those before.
"""

from collections.abc import Sequence
from typing import NamedTuple

AFFIRMED, NEUTRAL, DENIED = 1, 0, -1


class Word(NamedTuple):
    """A content word at the code points [start, end) of a folded text.

    Words with one `stem` are the same. One that `is_light` says little by itself ("do", 行う).
    """

    start: int
    end: int
    stem: str
    is_light: bool = False


class Negator(NamedTuple):
    """What denies words of its clause: those before it or, where it `is_forward`, after it.

    One that `is_apart` stands right at no word.
    """

    start: int
    end: int
    is_forward: bool = False
    is_apart: bool = False


class Phrase(NamedTuple):
    """A word with its polarity: AFFIRMED, DENIED or, in questions and conditions, NEUTRAL.

    `is_turned` says whether negators stand right at the word; [start, end) then includes them.
    """

    word: Word
    polarity: int
    is_turned: bool
    start: int
    end: int


class Clause(NamedTuple):
    """Words and negators in the order of the text; a neutral one neither affirms nor denies."""

    items: Sequence[Word | Negator]
    is_neutral: bool = False

    def phrases(self) -> list[Phrase]:
        """Each word that is not light, with its polarity."""
        if not any(isinstance(item, Negator) for item in self.items):
            polarity = NEUTRAL if self.is_neutral else AFFIRMED
            return [
                Phrase(item, polarity, False, item.start, item.end)
                for item in self.items
                if isinstance(item, Word) and not item.is_light
            ]
        before = _acting(self.items, is_forward=True)
        behind = _acting(self.items[::-1], is_forward=False)[::-1]
        phrases = []
        for item, (sign, at), (other_sign, other_at) in zip(
            self.items, before, behind, strict=True
        ):
            if isinstance(item, Word) and not item.is_light:
                polarity = NEUTRAL if self.is_neutral else sign * other_sign
                start = min([item.start, *(negator.start for negator in (*at, *other_at))])
                end = max([item.end, *(negator.end for negator in (*at, *other_at))])
                phrases.append(Phrase(item, polarity, bool(at or other_at), start, end))
        return phrases


def _acting(
    items: Sequence[Word | Negator], *, is_forward: bool
) -> list[tuple[int, tuple[Negator, ...]]]:
    """What the negators passed so far do to each item: their sign, and those right at it.

    Between a negator and the word that it stands at there are light words only.
    """
    sign = AFFIRMED
    at_word: tuple[Negator, ...] = ()
    acting: list[tuple[int, tuple[Negator, ...]]] = []
    for item in items:
        acting.append((sign, at_word))
        if isinstance(item, Word):
            at_word = at_word if item.is_light else ()
        elif item.is_forward == is_forward:
            sign = -sign
            at_word = () if item.is_apart else (*at_word, item)
    return acting
