"""Where the marks of a chart stand: geometry for the SVG templates, in the units of their viewBox.

Text and colour are the templates' and the style sheet's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from scoring.agreement.shapes import AuditPeriod, ConfusionCell, CoveragePoint

SIDE, MARGIN, TOP = 320.0, 44.0, 14.0
WIDTH, HEIGHT = 520.0, 260.0
MOST_NUMBERED, MOST_LABELS = 14, 12


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Square:
    """A cell of the heatmap; `level` runs from 1 (few) to 5 (most)."""

    x: float
    y: float
    level: int
    count: int
    people: float
    machine: float
    exact: bool


@dataclass(frozen=True)
class Heatmap:
    """People's points downwards, the machine's to the right."""

    size: float
    cell: float
    squares: list[Square]
    columns: list[Tick]
    rows: list[Tick]
    numbered: bool
    width: float = SIDE + MARGIN + TOP
    height: float = SIDE + MARGIN + TOP

    @property
    def middle(self) -> float:
        """From a cell's edge to its middle."""
        return self.cell / 2


@dataclass(frozen=True)
class Dot:
    """A point of a line; `low` and `high` are the ends of its interval."""

    x: float
    y: float
    told: str
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class Plot:
    """A line over two axes; `target` and `here` are lines across and upwards."""

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
    path: str = field(default="")


def heatmap(cells: Sequence[ConfusionCell], most: float, step: float) -> Heatmap:
    """A square for each pair of points that occurs, on the question's whole scale."""
    count = round(most / step) + 1
    cell = SIDE / count
    top = max((one["count"] for one in cells), default=1)
    squares = [
        Square(
            x=round(MARGIN + one["machine"] / step * cell, 2),
            y=round(TOP + one["people"] / step * cell, 2),
            level=-(-5 * one["count"] // top),
            count=one["count"],
            people=one["people"],
            machine=one["machine"],
            exact=one["people"] == one["machine"],
        )
        for one in cells
    ]
    every = -(-count // MOST_LABELS)
    places = [(index * cell, f"{index * step:g}") for index in range(0, count, every)]
    return Heatmap(
        size=SIDE,
        cell=round(cell, 2),
        squares=squares,
        columns=[Tick(round(MARGIN + at + cell / 2, 2), text) for at, text in places],
        rows=[Tick(round(TOP + at + cell / 2, 2), text) for at, text in places],
        numbered=count <= MOST_NUMBERED,
    )


def coverage_plot(
    points: Sequence[CoveragePoint], target: float, threshold: float | None
) -> Plot | None:
    """Share covered to the right, agreement upwards; None without points."""
    if not points:
        return None
    floor = _floor([one["agreement"] for one in points] + [target])
    dots = [
        Dot(_across(one["coverage"]), _up(one["agreement"], floor), f"{one['threshold']:.3f}")
        for one in points
    ]
    kept = [one["coverage"] for one in points if threshold is not None and _holds(one, threshold)]
    columns = [Tick(_across(share / 100), f"{share}%") for share in range(0, 101, 20)]
    return Plot(
        dots=dots,
        columns=columns,
        rows=_shares(floor),
        target=_up(target, floor),
        here=_across(max(kept)) if kept else None,
        path=_path(dots),
    )


def _holds(point: CoveragePoint, threshold: float) -> bool:
    return point["threshold"] >= threshold


def drift_plot(periods: Sequence[AuditPeriod], target: float) -> Plot | None:
    """Time to the right, exact agreement upwards, each with its interval; None without periods."""
    if not periods:
        return None
    floor = _floor([one["exact_interval"][0] for one in periods])
    width = 1 / len(periods)
    dots = [
        Dot(
            x=_across((index + 0.5) * width),
            y=_up(one["exact"], floor),
            told=one["first"],
            low=_up(one["exact_interval"][0], floor),
            high=_up(one["exact_interval"][1], floor),
        )
        for index, one in enumerate(periods)
    ]
    every = -(-len(dots) // 6)
    columns = [Tick(dot.x, dot.told[5:].replace("-", "/")) for dot in dots[::every]]
    return Plot(
        dots=dots,
        columns=columns,
        rows=_shares(floor),
        target=_up(target, floor) if target >= floor else None,
        path=_path(dots),
    )


def _floor(values: Sequence[float]) -> float:
    """The lowest tenth below all of them, so that the differences can be seen."""
    return max(int(min(values) * 10 - 0.001), 0) / 10


def _across(share: float) -> float:
    return round(MARGIN + share * (WIDTH - TOP - MARGIN), 2)


def _up(value: float, floor: float) -> float:
    return round(HEIGHT - MARGIN - (value - floor) / (1 - floor) * (HEIGHT - MARGIN - TOP), 2)


def _shares(floor: float) -> list[Tick]:
    """A tick each tenth, or each fifth of a longer axis."""
    lowest = round(floor * 100)
    every = 10 if lowest >= 40 else 20
    return [Tick(_up(share / 100, floor), f"{share}%") for share in range(lowest, 101, every)]


def _path(dots: Sequence[Dot]) -> str:
    return " ".join(f"{dot.x},{dot.y}" for dot in dots)
