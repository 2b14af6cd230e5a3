"""Lines of a page: runs of text that follow each other along one base line."""

from itertools import pairwise
from typing import NamedTuple
from unicodedata import east_asian_width

SAME_LINE, SAME_PLACE = 0.5, 0.2
"""Shares of the size of text, of what stands on one base line and of what is painted twice."""
GAP, CLOSE_GAP, WIDE_GAP = 0.2, 0.75, 1.5
"""Gaps that are a space between letters, between a label and its text, and in any script."""
UP, DOWN, CENTRE = 0.8, 0.2, 0.3
"""How far characters reach from their base line, and how far above it their centre is."""
Point = tuple[float, float]


class Piece(NamedTuple):
    """A run in a frame in which it stands upright."""

    text: str
    start: Point
    end: Point
    size: float
    is_vertical: bool


class Line:
    """Text along one base line, or a column of vertical writing."""

    def __init__(self, piece: Piece) -> None:
        self.pieces = [piece]
        self.size = piece.size
        self.is_vertical = piece.is_vertical
        self.base = piece.start[1]
        self.left, self.right = piece.start[0], piece.end[0]
        self.top, self.bottom = self.base + UP * self.size, self.base - DOWN * self.size
        if self.is_vertical:
            self.left, self.right = self.left - self.size / 2, self.right + self.size / 2
            self.top, self.bottom = self.base, piece.end[1]

    def is_continued(self, piece: Piece) -> bool:
        """Whether the piece goes on where the line ends, or is painted later before or in it."""
        slack = SAME_LINE * max(self.size, piece.size)
        (x, y), end = piece.start, self.pieces[-1].end
        if self.is_vertical or piece.is_vertical:
            is_same = self.is_vertical and piece.is_vertical
            return is_same and abs(x - end[0]) < slack and y <= end[1] + slack
        if abs(y - self.base) >= slack or piece.end[0] < self.left - WIDE_GAP * self.size:
            return False
        # Some programs paint the words of a line font by font.
        return x >= self.right - slack or self._has_room(piece)

    def _has_room(self, piece: Piece) -> bool:
        slack = SAME_LINE * max(self.size, piece.size)
        return not any(
            piece.start[0] < other.end[0] - slack and piece.end[0] > other.start[0] + slack
            for other in self.pieces
        )

    def touches(self, line: "Line", most: float = WIDE_GAP) -> bool:
        """Whether another line stands on the same base line, less than a gap of `most` beside it.

        `most` is a share of their size.
        """
        size = max(self.size, line.size)
        is_same = abs(self.base - line.base) < SAME_LINE * size and not self.is_vertical
        gap = max(line.left - self.right, self.left - line.right)
        return is_same and gap < most * size and all(map(self._has_room, line.pieces))

    def add(self, piece: Piece) -> None:
        """Put the piece into the line."""
        self.pieces.append(piece)
        if self.is_vertical:
            self.bottom = piece.end[1]
        else:
            self.left = min(self.left, piece.start[0])
            self.right = max(self.right, piece.end[0])

    @property
    def text(self) -> str:
        """The text of all pieces, with the spaces that gaps between words are."""
        if self.is_vertical:
            return "".join(piece.text for piece in self.pieces)
        pieces = sorted(self.pieces, key=lambda piece: piece.start[0])
        gaps = (_space(before, after) for before, after in pairwise(pieces))
        return pieces[0].text + "".join(
            gap + piece.text for gap, piece in zip(gaps, pieces[1:], strict=True)
        )


def _space(before: Piece, after: Piece) -> str:
    gap = (after.start[0] - before.end[0]) / max(before.size, after.size)
    around = before.text[-1:], after.text[:1]
    if any(sign.isspace() for sign in around):
        return ""
    return " " if gap > WIDE_GAP or (gap > GAP and not any(map(is_wide, around))) else ""


def is_wide(sign: str) -> bool:
    return bool(sign) and east_asian_width(sign) in "WF"
