"""Line charts: where their marks stand, in the units of the SVG template's viewBox.

Text and colour are the templates' and the style sheet's (templates/pmscoring/charts).
"""

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN, TOP = 44.0, 14.0
WIDTH, HEIGHT = 520.0, 260.0


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A point of a line with its label; `low` and `high` are the ends of its interval."""

    x: float
    y: float
    label: str
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Plot:
    """A line over two axes; `target` is a line across, `here` one upwards."""

    dots: list[Dot]
    columns: list[Tick]
    rows: list[Tick]
    target: float | None = None
    here: float | None = None
    left: float = MARGIN
    right: float = WIDTH - TOP
    top: float = TOP
    bottom: float = HEIGHT - MARGIN
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def path(self) -> str:
        """The line as the points of a polyline."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


def across(share: float) -> float:
    """The x of a share in [0, 1] of the horizontal axis."""
    return round(MARGIN + share * (WIDTH - TOP - MARGIN), 2)


def up(value: float, floor: float) -> float:
    """The y of a value on a vertical axis from `floor` to 1."""
    return round(HEIGHT - MARGIN - (value - floor) / (1 - floor) * (HEIGHT - MARGIN - TOP), 2)


def floor_of(values: Sequence[float]) -> float:
    """The lowest tenth below all values, so that their differences can be seen."""
    return max(int(min(values) * 10 - 0.001), 0) / 10


def percent_ticks(floor: float) -> list[Tick]:
    """Ticks of a vertical axis from `floor` to 1: each tenth, or each fifth of a longer axis."""
    lowest = round(floor * 100)
    every = 10 if lowest >= 40 else 20
    return [Tick(up(share / 100, floor), f"{share}%") for share in range(lowest, 101, every)]
