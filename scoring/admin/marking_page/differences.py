"""The differences of two texts, shown to a marker who gives both the same mark."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

LONGEST = 2000
"""Longer texts are compared by lines, since the time grows with the square of the length."""


@dataclass(frozen=True)
class Piece:
    """A stretch of either text; `kind` is `same`, `new` or `gone`."""

    text: str
    kind: str


def pieces(old: str, new: str) -> list[Piece]:
    """The text `new` in pieces, with the pieces of `old` that it lacks in their places."""
    if max(len(old), len(new)) > LONGEST:
        return list(_pieces(old.splitlines(keepends=True), new.splitlines(keepends=True)))
    return list(_pieces(list(old), list(new)))


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
