"""How texts are folded, so that writings that look alike are equal, for both services.

docs/folding.md has the rules, with examples. A change of them is a new FOLDING: answers to exams
that are not fixed are then folded and scored again (scoring/exams/refolding.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import combining, normalize

import regex

from pmscoring.base import lookalikes

FOLDING = 3
"""The number of the rules by which texts are folded and cut into sections.

The first were NFKC, and any white space as one space; the second had no headings with titles.
"""
HEADER = "X-Folding"
"""The header of a request for marks that says by which rules the caller folds."""
GRAPHEME = regex.compile(r"\p{RI}{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*|\X")
"""User-perceived characters; flags first, as `\\X` reads a row of them anew at each letter."""
STANDING_ALONE = regex.compile(r"[\p{GCB=Other}\n]*")
"""Of such characters each is a grapheme cluster by itself (UAX #29, rule GB999)."""
INVISIBLE = regex.compile(
    r"[[\p{Default_Ignorable_Code_Point}\p{Cc}]--[\u200d\t-\r\x1c-\x1f\x85]]"
    r"|(?<!\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d"
    r"|\u200d(?!\p{Extended_Pictographic})",
    regex.VERSION1,
)
"""Characters without an image: a joiner has one only between two emoji, which it makes one of."""
WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\u3000-\u303f\u30fb\u30fc]")
"""Characters of scripts that have no space between words."""
NARROW = r"!-\[\]-_a-~"
"""ASCII without the space, and without backslash and grave accent, which other signs stand for."""
PLAIN = rf"{NARROW}、。々〇「」『』ぁ-ゖァ-ヺ・ー一-鿿"
AS_IT_IS = regex.compile(rf"[{PLAIN}]*+(?:(?<=[{NARROW}]) (?=[{NARROW}])[{PLAIN}]++)*+")
"""Texts that are their own folding: such characters, with single spaces between words of ASCII."""
SEEN_ALONE = regex.compile(
    r"[\p{GCB=Other}--\s--\p{Default_Ignorable_Code_Point}]*+", regex.VERSION1
)
"""Texts without white space whose every character is seen, and is a grapheme cluster by itself."""
WHITE_SPACE = (" ", "\n")
LINE_BREAKS = ("\n", "\r\n", "\r", "\v", "\x85", "\u2028", "\u2029")
MOST_MARKS = 30
"""Combining marks in a row that are read, as in a stream-safe text (UAX #15)."""
SHORT = 10
"""Code points of a cluster that cannot have more marks than that: none decomposes to over three."""


@dataclass(frozen=True)
class Folded:
    """A folded text with the way back to its source.

    `starts[i]` and `ends[i]` bound, in code points of the source, what made the folded character i.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """The source's offsets of the folded span [start, end)."""
        if start >= end:
            return (0, 0)
        return self.starts[start], self.ends[end - 1]

    def from_source(self, start: int, end: int) -> tuple[int, int]:
        """The folded span that holds the source's span [start, end)."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)


class Piece(NamedTuple):
    """A user-perceived character as it is folded, and its span in the source.

    White space has the text " ", and a line break "\\n".
    """

    text: str
    start: int
    end: int


def graphemes(text: str) -> list[str]:
    """The user-perceived characters, in order."""
    characters: list[str] = list(text) if STANDING_ALONE.fullmatch(text) else GRAPHEME.findall(text)
    return characters


def written(text: str) -> str:
    """The text as it is seen: without invisible characters, and with one form of each sign."""
    if AS_IT_IS.fullmatch(text):
        return text
    return INVISIBLE.sub("", text).translate(lookalikes.TABLE)


def fold(text: str) -> Folded:
    """The text in the one form of all writings that look alike; the time grows with its length."""
    if AS_IT_IS.fullmatch(text):
        return Folded(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    seen = text.translate(lookalikes.TABLE)
    if not SEEN_ALONE.fullmatch(seen):
        return fold_pieces(text)
    signs = [_nfkc_of_short(character) for character in seen]
    starts = [index for index, sign in enumerate(signs) for _ in sign]
    return Folded("".join(signs), tuple(starts), tuple(index + 1 for index in starts))


def fold_pieces(text: str) -> Folded:
    """The same by the rules for any text, which the two shorter ways of `fold` follow too."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece in _spaced(list(_pieces(text))):
        characters += piece.text
        starts += [piece.start] * len(piece.text)
        ends += [piece.end] * len(piece.text)
    return Folded("".join(characters), tuple(starts), tuple(ends))


def folded(text: str) -> str:
    """The folded text alone."""
    return text if AS_IT_IS.fullmatch(text) else fold(text).text


def move_span(source: Folded, target: Folded, start: int, end: int) -> tuple[int, int]:
    """A span of one text in the offsets of another that folds to the same."""
    return target.to_source(*source.from_source(start, end))


def _pieces(text: str) -> Iterator[Piece]:
    hidden = {index for match in INVISIBLE.finditer(text) for index in range(*match.span())}
    places = [index for index in range(len(text)) if index not in hidden]
    end = 0
    for cluster in graphemes(written(text)):
        start, end = end, end + len(cluster)
        folded_cluster = _white_space(cluster) if cluster.isspace() else _nfkc(cluster)
        yield Piece(folded_cluster, places[start], places[end - 1] + 1)


def _white_space(cluster: str) -> str:
    return "\n" if cluster in LINE_BREAKS else " "


def _nfkc(cluster: str) -> str:
    return _nfkc_of_short(cluster) if len(cluster) <= SHORT else _normal(_safe(cluster))


@lru_cache(maxsize=65_536)
def _nfkc_of_short(cluster: str) -> str:
    return _normal(cluster)


def _normal(cluster: str) -> str:
    return normalize("NFKC", cluster).translate(lookalikes.TABLE)


def _safe(cluster: str) -> str:
    """The cluster's NFKD without the combining marks beyond the thirtieth of a run.

    Ordering a run of marks takes time that grows with the square of its length. Intake refuses such
    texts; what was stored before is folded too.
    """
    kept: list[str] = []
    marks = 0
    for character in "".join(normalize("NFKD", character) for character in cluster):
        marks = marks + 1 if combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _spaced(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces with each run of white space between words as one space, and without others."""
    runs = [list(run) for _, run in groupby(pieces, lambda piece: piece.text in WHITE_SPACE)]
    is_wide = _is_wide(pieces)
    for before, run, after in zip([[], *runs], runs, [*runs[1:], []], strict=False):
        if run[0].text not in WHITE_SPACE:
            yield from run
            continue
        is_wrapped = is_wide and [piece.text for piece in run] == ["\n"]
        if before and after and _is_between_words(before[-1].text, after[0].text, is_wrapped):
            yield Piece(" ", run[0].start, run[-1].end)


def _is_wide(pieces: Sequence[Piece]) -> bool:
    """Whether most of the text is in a script that has no space between words."""
    signs = [piece.text for piece in pieces if piece.text not in WHITE_SPACE]
    return 2 * sum(bool(WIDE.search(sign)) for sign in signs) > len(signs)


def _is_between_words(before: str, after: str, is_wrapped: bool) -> bool:
    """Whether white space between these two characters parts words, or only lines and columns.

    `is_wrapped` says that it is a single line break in a script without spaces, which a program
    puts at any place, even into a number.
    """
    last, first = GRAPHEME.findall(before)[-1], GRAPHEME.findall(after)[0]
    if len(GRAPHEME.findall(last + first)) == 1:
        return True  # A mark would come to stand on the character before.
    return not (is_wrapped or WIDE.search(last) or WIDE.search(first))
