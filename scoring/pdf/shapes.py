"""Rectangles, lines and images on a page, and what they leave to be seen of its text.

A shape that is painted after a text may cover it, one that was painted before may have its colour,
and a thin one through its middle strikes it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import hypot, inf
from typing import NamedTuple

from scoring.pdf.colours import Colour, are_alike, is_white
from scoring.pdf.geometry import Matrix, Run
from scoring.pdf.refused import Refused

ABOVE, BELOW = 0.8, 0.2
"""How far characters reach above and below their base line, as shares of their size."""
BAND = 16.0
"""Points; shapes are looked up by the bands that they reach into."""
MOST_BANDS = 200
COVERED = 0.5
"""The share of a text's area from which it counts as covered."""
THIN = 0.2
STRUCK_FROM, STRUCK_TO = 0.12, 0.65
"""How high above the base line a stroke goes through characters: below is an underline."""
LEAST_SEEN = 0.3
"""The share of a line's height that is seen of a text which is not cut off."""
Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle in the page's coordinates."""

    left: float
    bottom: float
    right: float
    top: float

    def within(self, other: "Box") -> "Box":
        """The part that lies in the other, of no or negative size where there is none."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def share(self, other: "Box") -> float:
        """The share of this area that lies in the other."""
        part = self.within(other)
        area = max(self.right - self.left, 0) * max(self.top - self.bottom, 0)
        shared = max(part.right - part.left, 0) * max(part.top - part.bottom, 0)
        return shared / area if area else 0


EVERYWHERE = Box(-inf, -inf, inf, inf)


def box_of(points: Iterable[Point]) -> Box:
    """The smallest box with all of the points, of which there must be some."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def placed(matrix: Matrix, x: float, y: float) -> Point:
    """Where a point stands on the page."""
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def rectangle(matrix: Matrix, x: float, y: float, width: float, height: float) -> list[Point]:
    """The corners of a rectangle, the first once more at the end."""
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
    return [placed(matrix, *corner) for corner in corners]


def extent(run: Run) -> Box:
    """The area in which the run's characters stand."""
    length = hypot(*run.up) or 1
    x, y = run.up[0] / length * run.size, run.up[1] / length * run.size
    above, below = (0.5, 0.5) if run.is_vertical else (ABOVE, BELOW)
    if run.is_vertical:
        x, y = y, -x
    ends = (run.start, run.end)
    return box_of(
        (end[0] + share * x, end[1] + share * y) for end in ends for share in (above, -below)
    )


def is_cut(run: Run, clip: Box) -> bool:
    """Whether a part of the run is outside of the area that is painted."""
    box = extent(run)
    seen = box.within(clip)
    # A run may end with spaces, of which nobody sees whether they are cut off.
    end = box.left + (box.right - box.left) * len(run.text.rstrip()) / len(run.text)
    height = box.top - box.bottom
    return (
        seen.top - seen.bottom < LEAST_SEEN * height
        or seen.left > box.left + run.size
        or seen.right < min(end, box.right) - run.size
    )


class Path:
    """The lines that are drawn until they are filled, stroked or used to clip."""

    def __init__(self) -> None:
        self.parts: list[list[Point]] = []
        self.is_curved = False

    def add(self, points: Sequence[Point], *, starts: bool = False) -> None:
        """Go on to the points, or start another part with them."""
        if starts or not self.parts:
            self.parts.append([])
        self.parts[-1] += points

    def close(self) -> None:
        """Go back to the point where the part began."""
        if self.parts:
            self.parts[-1].append(self.parts[-1][0])

    def box(self) -> Box | None:
        """The area that the path lies in, which is more than it encloses."""
        points = [point for part in self.parts for point in part]
        return box_of(points) if points else None

    def rectangles(self) -> list[Box]:
        """The areas that are filled, where all of them are rectangles and none is in another."""
        if self.is_curved or not all(map(_is_rectangle, self.parts)):
            return []
        boxes = [box_of(part) for part in self.parts]
        is_nested = len(boxes) > 1 and any(
            a.share(b) > 0 for i, a in enumerate(boxes[:MOST_BANDS]) for b in boxes[:i]
        )
        return [] if is_nested or len(boxes) > MOST_BANDS else boxes

    def strokes(self, width: float) -> list[Box]:
        """The areas of the path's lines, without slanted ones."""
        pairs = (pair for part in self.parts for pair in pairwise(part))
        boxes = [box_of(pair) for pair in pairs if not self.is_curved and _is_straight(*pair)]
        half = width / 2
        return [Box(b.left - half, b.bottom - half, b.right + half, b.top + half) for b in boxes]


def _is_straight(start: Point, end: Point) -> bool:
    return min(abs(start[0] - end[0]), abs(start[1] - end[1])) < 0.01


def _is_rectangle(part: Sequence[Point]) -> bool:
    corners = [*part, part[0]]
    return 4 <= len(part) <= 6 and all(_is_straight(a, b) for a, b in pairwise(corners))


class Shape(NamedTuple):
    """A filled area, its place in the order of painting, and its colour where that is known."""

    order: int
    box: Box
    colour: Colour | None


class Text(NamedTuple):
    """A run with its place in the order of painting, and its colour where that is known."""

    order: int
    run: Run
    colour: Colour | None


class Shapes:
    """The shapes of a page, and its texts, in the order in which they are painted."""

    def __init__(self) -> None:
        self.count = 0
        self.texts: list[Text] = []
        self.bands: dict[int, list[Shape]] = defaultdict(list)
        self.everywhere: list[Shape] = []

    def paint(self, box: Box, clip: Box, colour: Colour | None) -> None:
        """Paint an area that nothing shines through."""
        self.count += 1
        shape = Shape(self.count, box.within(clip), colour)
        first, last = shape.box.bottom // BAND, shape.box.top // BAND
        if 0 <= last - first <= MOST_BANDS:
            for band in range(int(first), int(last) + 1):
                self.bands[band].append(shape)
        elif first <= last:
            self.everywhere.append(shape)

    def write(self, run: Run, colour: Colour | None) -> None:
        """Paint a text."""
        self.count += 1
        self.texts.append(Text(self.count, run, colour))

    def check(self, page: int) -> None:
        """Raise Refused for a text that is covered, struck or of the colour below it."""
        for text in self.texts:
            box = extent(text.run)
            below: Shape | None = None
            for shape in self._around(box):
                if _strikes(shape.box, text.run) and not is_white(shape.colour):
                    raise Refused("struck", page)
                if box.share(shape.box) < COVERED:
                    continue
                if shape.order > text.order:
                    raise Refused("covered", page)
                below = max(below or shape, shape)
            if below and are_alike(below.colour, text.colour):
                raise Refused("alike", page)

    def _around(self, box: Box) -> Iterator[Shape]:
        yield from self.everywhere
        bands = range(int(box.bottom // BAND), int(box.top // BAND) + 1)
        shapes = (shape for band in bands[:MOST_BANDS] for shape in self.bands.get(band, ()))
        yield from dict.fromkeys(shapes)


def _strikes(shape: Box, run: Run) -> bool:
    """Whether the shape is a line through the middle of characters that stand upright."""
    if run.is_vertical or run.up[1] <= abs(run.up[0]):
        return False
    height = (shape.bottom + shape.top) / 2 - run.start[1]
    seen = run.start[0], run.end[0]
    overlap = min(shape.right, max(seen)) - max(shape.left, min(seen))
    return (
        shape.top - shape.bottom <= THIN * run.size
        and STRUCK_FROM * run.size <= height <= STRUCK_TO * run.size
        and overlap > 0.5 * min(run.size, max(seen) - min(seen))
        and shape.right - shape.left > run.size / 2
    )
