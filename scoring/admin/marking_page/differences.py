"""Where a text differs from another, for the eye of who marks both with one deed."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

LONGEST = 2000
"""Longer texts are compared by lines: the comparison takes the square of their length."""


@dataclass(frozen=True)
class Piece:
    """A stretch of either text; `kind` is `same`, `new` or `gone`."""

    text: str
    kind: str


def pieces(one: str, other: str) -> list[Piece]:
    """`other` as it reads, with what is new in it and what of `one` is gone."""
    if max(len(one), len(other)) > LONGEST:
        return list(_pieces(one.splitlines(keepends=True), other.splitlines(keepends=True)))
    return list(_pieces(list(one), list(other)))


def _pieces(one: list[str], other: list[str]) -> Iterator[Piece]:
    for _, start, end, left, right in SequenceMatcher(None, one, other, False).get_opcodes():
        gone, new = "".join(one[start:end]), "".join(other[left:right])
        if gone == new:
            yield Piece(new, "same")
            continue
        if gone:
            yield Piece(gone, "gone")
        if new:
            yield Piece(new, "new")
