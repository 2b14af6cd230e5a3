"""The order in which the text of a page is read.

A page paints its text in any order and place. Runs that follow each other along a base line are a
line, and lines that follow each other downwards a block. Blocks are read as they were painted where
that leads to the right and downwards, as in columns and tables, or in vertical writing to the left.
Otherwise the page is cut into blocks above and beside each other, or into lines of which none are
beside each other; where that cannot be done, no order is certain, and the page is refused.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import atan2, pi

from scoring.pdf.geometry import Run
from scoring.pdf.lines import (
    CENTRE,
    CLOSE_GAP,
    DOWN,
    SAME_LINE,
    SAME_PLACE,
    UP,
    Line,
    Piece,
    Point,
    is_wide,
)
from scoring.pdf.refused import Refused

SLANT = 0.1
"""Radians from upright or from a quarter turn, within which text counts as straight."""
READING = 0.6
"""The largest size of a reading (ruby), as a share of that of the characters below it."""
LABEL = re.compile(r"[(（]?(?:\w{1,4}|[^\w\s])[.．)）、:：]?")
"""What stands before an item of a list: a number, a letter or a sign."""
UPRIGHT, RIGHT = 0, 3
"""Quarter turns to the left, of which three are one to the right."""


class Block:
    """Lines that follow each other downwards, or a column of vertical writing."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.left, self.right = min(n.left for n in lines), max(n.right for n in lines)
        self.top, self.bottom = max(n.top for n in lines), min(n.bottom for n in lines)
        self.slack = SAME_LINE * max(line.size for line in lines)
        self.is_vertical = lines[0].is_vertical
        self.text = "\n".join(line.text.rstrip() for line in lines)


def text(runs: Iterable[Run], page: int) -> str:
    """The text of a page as it is read. Raises Refused."""
    frames: dict[int, list[Piece]] = {}
    in_order: list[tuple[int, Piece]] = []
    for run in runs:
        turn = _turn(run)
        if turn is not None:
            in_order.append((turn, _piece(run, turn)))
            frames.setdefault(turn, []).append(in_order[-1][1])
        elif run.text.strip():
            raise Refused("slanted", page)
    if set(frames) <= {UPRIGHT, RIGHT} and _is_vertical(frames.get(UPRIGHT, [])):
        return _read([_downwards(piece, turn) for turn, piece in _abreast(in_order)], page)
    parts = [_read(pieces, page) for pieces in frames.values()]
    if sum(map(bool, parts)) > 1:
        raise Refused("turned", page)
    return "".join(parts)


def _is_vertical(pieces: Sequence[Piece]) -> bool:
    """Whether most pieces are characters that stand below each other, each placed for itself."""
    below = sum(
        len(piece.text) == 1
        and is_wide(piece.text)
        and abs(piece.start[0] - above.start[0]) < SAME_LINE * piece.size
        and 0 < above.start[1] - piece.start[1] < 2.5 * piece.size
        for above, piece in pairwise(pieces)
    )
    return 2 * below > len(pieces)


def _abreast(pieces: Iterable[tuple[int, Piece]]) -> list[tuple[int, Piece]]:
    """The pieces, with upright ones beside each other in one, such as the digits of a number."""
    merged: list[tuple[int, Piece]] = []
    for turn, piece in pieces:
        before = merged[-1][1] if merged and merged[-1][0] == turn == UPRIGHT else None
        if before and max(map(abs, _between(before.end, piece.start))) < SAME_PLACE * piece.size:
            text = before.text + piece.text
            merged[-1] = turn, before._replace(text=text, end=piece.end)
        else:
            merged.append((turn, piece))
    return merged


def _between(first: Point, second: Point) -> Point:
    return second[0] - first[0], second[1] - first[1]


def _downwards(piece: Piece, turn: int) -> Piece:
    """The piece as a part of a column: a character, some digits abreast, or text on its side."""
    if piece.is_vertical:
        return piece
    if turn == RIGHT:
        # Back into the frame of the page, where the piece runs downwards on its base line.
        (x, y), (_x, end) = _on_page(piece.start), _on_page(piece.end)
        return Piece(piece.text, (x + CENTRE * piece.size, y), (x, end), piece.size, True)
    centre, base = (piece.start[0] + piece.end[0]) / 2, piece.start[1]
    top, bottom = base + UP * piece.size, base - DOWN * piece.size
    return Piece(piece.text, (centre, top), (centre, bottom), piece.size, True)


def _on_page(point: Point) -> Point:
    return point[1], -point[0]


def _turn(run: Run) -> int | None:
    """The number of quarter turns to the left of the run, or None where it is slanted."""
    angle = atan2(run.up[1], run.up[0])
    quarters = round(angle / (pi / 2))
    return (quarters - 1) % 4 if abs(angle - quarters * pi / 2) < SLANT else None


def _piece(run: Run, turn: int) -> Piece:
    turned: Callable[[Point], Point] = (
        lambda point: point,
        lambda point: (point[1], -point[0]),
        lambda point: (-point[0], -point[1]),
        lambda point: (-point[1], point[0]),
    )[turn]
    return Piece(run.text, turned(run.start), turned(run.end), run.size, run.is_vertical)


def _read(pieces: Iterable[Piece], page: int) -> str:
    blocks = _blocks(_without_readings(_labelled(_lines(_once(pieces)))))
    return "\n".join(block.text for block in _ordered(blocks, page))


def _once(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """The pieces without copies in the same place, by which some programs make text bold."""
    seen: dict[str, list[Point]] = {}
    for piece in pieces:
        slack = SAME_PLACE * piece.size
        places = seen.setdefault(piece.text, [])
        if not any(
            abs(x - piece.start[0]) < slack and abs(y - piece.start[1]) < slack for x, y in places
        ):
            places.append(piece.start)
            yield piece


def _lines(pieces: Iterable[Piece]) -> list[Line]:
    lines: list[Line] = []
    for piece in pieces:
        if lines and lines[-1].is_continued(piece):
            lines[-1].add(piece)
        elif piece.text.strip():
            lines.append(Line(piece))
    return lines


def _labelled(lines: Iterable[Line]) -> list[Line]:
    """The lines, each with its label where that was painted apart, as numbers of lists are."""
    whole: list[Line] = []
    at_base: dict[int, list[Line]] = {}
    for line in lines:
        near = at_base.setdefault(round(line.base), [])
        before = next(
            (each for each in near if _is_label(each) and each.touches(line, CLOSE_GAP)), None
        )
        if before:
            for piece in line.pieces:
                before.add(piece)
        else:
            near.append(line)
            whole.append(line)
    return whole


def _is_label(line: Line) -> bool:
    return bool(LABEL.fullmatch(line.text.strip()))


def _without_readings(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that are readings above the characters of another line."""
    return [line for line in lines if not any(_is_reading(line, below) for below in lines)]


def _is_reading(line: Line, below: Line) -> bool:
    return (
        line.size <= READING * below.size
        and 0 < line.base - below.base <= 1.5 * below.size
        and line.left < below.right
        and line.right > below.left
        and all("\u3040" <= sign <= "\u30ff" for sign in line.text if not sign.isspace())
    )


def _blocks(lines: Sequence[Line]) -> list[Block]:
    groups: list[list[Line]] = []
    for line in lines:
        above = groups[-1][-1] if groups else None
        if above and not above.is_vertical and not line.is_vertical and _is_below(line, above):
            groups[-1].append(line)
        else:
            groups.append([line])
    return list(map(Block, groups))


def _is_below(line: Line, above: Line) -> bool:
    return line.base < above.base - SAME_LINE * min(line.size, above.size)


def _ordered(blocks: Sequence[Block], page: int) -> list[Block]:
    """The blocks as they are read. Raises Refused where no order is certain."""
    is_vertical = sum(block.is_vertical for block in blocks) * 2 > len(blocks)
    if _is_in_order(blocks, is_vertical=is_vertical):
        return list(blocks)
    for start, end in (_by_rows, _by_columns(is_vertical=is_vertical)):
        if parts := _cut(blocks, start, end):
            return [block for part in parts for block in _ordered(part, page)]
    lines = _joined([line for block in blocks for line in block.lines])
    if any(below.top > above.bottom + SAME_LINE * above.size for above, below in pairwise(lines)):
        raise Refused("order", page)
    return [Block([line]) for line in lines]


def _joined(lines: Iterable[Line]) -> list[Line]:
    """The lines from the top down; those that go on where another ends, as one with it."""
    joined: list[Line] = []
    for line in sorted(lines, key=lambda line: (-line.base, line.left)):
        before = joined[-1] if joined else None
        if before and before.touches(line):
            for piece in line.pieces:
                before.add(piece)
        else:
            joined.append(line)
    return joined


def _is_in_order(blocks: Sequence[Block], *, is_vertical: bool) -> bool:
    return all(
        _precedes(first, second, is_vertical=is_vertical)
        for index, first in enumerate(blocks)
        for second in blocks[index + 1 :]
    )


def _precedes(first: Block, second: Block, *, is_vertical: bool) -> bool:
    """Whether the first is read before the second: each line stands above it, or on its side."""
    slack = min(first.slack, second.slack)
    if _is_beside(first, second, slack, is_vertical=is_vertical):
        return True
    return all(
        b.top <= a.bottom + slack or _is_beside(a, b, slack, is_vertical=is_vertical)
        for a in first.lines
        for b in second.lines
    )


def _is_beside(
    first: Block | Line, second: Block | Line, slack: float, *, is_vertical: bool
) -> bool:
    if is_vertical:
        return second.right <= first.left + slack
    return first.right <= second.left + slack


Bounds = Callable[[Block], float]
_by_rows: tuple[Bounds, Bounds] = (lambda block: -block.top, lambda block: -block.bottom)


def _by_columns(*, is_vertical: bool) -> tuple[Bounds, Bounds]:
    if is_vertical:
        return (lambda block: -block.right), (lambda block: -block.left)
    return (lambda block: block.left), (lambda block: block.right)


def _cut(blocks: Sequence[Block], start: Bounds, end: Bounds) -> list[list[Block]]:
    """The blocks in two parts, of which the second starts where the first has ended."""
    ordered = sorted(blocks, key=start)
    reached = end(ordered[0])
    for index in range(1, len(ordered)):
        if reached <= start(ordered[index]) + min(block.slack for block in ordered):
            first = {id(block) for block in ordered[:index]}
            return [
                [block for block in blocks if id(block) in first],
                [block for block in blocks if id(block) not in first],
            ]
        reached = max(reached, end(ordered[index]))
    return []
