"""How texts are folded, so that two writings of one text are equal, for both services."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, normalize

import regex

GRAPHEME = regex.compile(r"\X")
STANDING_ALONE = regex.compile(r"[\p{GCB=Other}\n]*")
"""Of such characters each is a grapheme cluster by itself (UAX #29, rule GB999)."""
MOST_MARKS = 30
"""Combining marks in a row that are read, as in a stream-safe text (UAX #15)."""
SHORT = 10
"""Code points of a cluster that cannot have more marks than that: none decomposes to over three."""


@dataclass(frozen=True)
class Folded:
    """A text after NFKC and white-space folding, with the way back to its source.

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


def graphemes(text: str) -> list[str]:
    """The user-perceived characters, in order."""
    characters: list[str] = list(text) if STANDING_ALONE.fullmatch(text) else GRAPHEME.findall(text)
    return characters


def _nfkc(cluster: str) -> str:
    return _nfkc_of_short(cluster) if len(cluster) <= SHORT else normalize("NFKC", _safe(cluster))


@lru_cache(maxsize=65_536)
def _nfkc_of_short(cluster: str) -> str:
    return normalize("NFKC", cluster)


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


def fold(text: str) -> Folded:
    """NFKC, runs of white space to one space, both ends stripped."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    for cluster in graphemes(text):
        start, end = end, end + len(cluster)
        for character in _nfkc(cluster):
            if character.isspace():
                if not characters:
                    continue
                if characters[-1] == " ":
                    ends[-1] = end
                    continue
                character = " "
            characters.append(character)
            starts.append(start)
            ends.append(end)
    if characters and characters[-1] == " ":
        characters.pop(), starts.pop(), ends.pop()
    return Folded("".join(characters), tuple(starts), tuple(ends))


def folded(text: str) -> str:
    """The folded text alone."""
    return " ".join("".join(map(_nfkc, graphemes(text))).split())


def move_span(source: Folded, target: Folded, start: int, end: int) -> tuple[int, int]:
    """A span of one text in the offsets of another that folds to the same."""
    return target.to_source(*source.from_source(start, end))
