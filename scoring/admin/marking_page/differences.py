"""The differences of two texts, shown to a marker who gives both the same mark."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_PAIRS = 300_000
"""Pairs of equal characters, or lines, up to which texts are compared: the matcher goes through
them all, and as often as there are differences."""


@dataclass(frozen=True)
class Piece:
    """A stretch of either text; `kind` is `same`, `new` or `gone`."""

    text: str
    kind: str


def pieces(old: str, new: str) -> list[Piece]:
    """The text `new` in pieces, with the pieces of `old` that it lacks in their places.

    Texts that are too long are compared by lines, and those of too many equal lines not at all.
    """
    for parts in (list, _lines):
        old_parts, new_parts = parts(old), parts(new)
        if _pairs(old_parts, new_parts) <= MOST_PAIRS:
            return list(_pieces(old_parts, new_parts))
    return [Piece(new, "same")] if old == new else [Piece(old, "gone"), Piece(new, "new")]


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _pairs(old: list[str], new: list[str]) -> int:
    counts = Counter(old)
    return sum(counts[part] * count for part, count in Counter(new).items())


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(old[old_start:old_end]), "".join(new[new_start:new_end])
        if removed == added:
            yield Piece(added, "same")
            continue
        if removed:
            yield Piece(removed, "gone")
        if added:
            yield Piece(added, "new")
