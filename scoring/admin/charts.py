"""The geometry of the agreement charts: the heatmap, the coverage curve and the drift.

All lengths are in units of the viewBox of the SVG templates. Texts come from the templates, colours
from the style sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pmscoring.base.admin.charts import (
    MARGIN,
    TOP,
    Dot,
    Plot,
    Tick,
    across,
    floor_of,
    percent_ticks,
    up,
)
from scoring.agreement.shapes import AuditPeriod, ConfusionCell, CoveragePoint

SIDE = 320.0
MOST_NUMBERED, MOST_LABELS = 14, 12


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
    """Cells by people's points (downwards) and the machine's points (to the right)."""

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
        """Distance from a cell's edge to its middle."""
        return self.cell / 2


def heatmap(cells: Sequence[ConfusionCell], most: float, step: float) -> Heatmap:
    """A square for each pair of points that occurs, on the scale 0, step, … most."""
    count = round(most / step) + 1
    side = SIDE / count
    highest = max((cell["count"] for cell in cells), default=1)
    squares = [
        Square(
            x=round(MARGIN + cell["machine"] / step * side, 2),
            y=round(TOP + cell["people"] / step * side, 2),
            level=-(-5 * cell["count"] // highest),
            count=cell["count"],
            people=cell["people"],
            machine=cell["machine"],
            exact=cell["people"] == cell["machine"],
        )
        for cell in cells
    ]
    every = -(-count // MOST_LABELS)
    places = [(index * side, f"{index * step:g}") for index in range(0, count, every)]
    return Heatmap(
        size=SIDE,
        cell=round(side, 2),
        squares=squares,
        columns=[Tick(round(MARGIN + at + side / 2, 2), text) for at, text in places],
        rows=[Tick(round(TOP + at + side / 2, 2), text) for at, text in places],
        numbered=count <= MOST_NUMBERED,
    )


def coverage_plot(
    points: Sequence[CoveragePoint], target: float, threshold: float | None
) -> Plot | None:
    """Agreement (upwards) by the share covered (to the right); None without points."""
    if not points:
        return None
    floor = floor_of([point["agreement"] for point in points] + [target])
    dots = [
        Dot(across(point["coverage"]), up(point["agreement"], floor), f"{point['threshold']:.3f}")
        for point in points
    ]
    covered = [
        point["coverage"]
        for point in points
        if threshold is not None and point["threshold"] >= threshold
    ]
    columns = [Tick(across(share / 100), f"{share}%") for share in range(0, 101, 20)]
    return Plot(
        dots=dots,
        columns=columns,
        rows=percent_ticks(floor),
        target=up(target, floor),
        here=across(max(covered)) if covered else None,
    )


def drift_plot(periods: Sequence[AuditPeriod], target: float) -> Plot | None:
    """Exact agreement with its interval (upwards) by time (to the right); None without periods."""
    if not periods:
        return None
    floor = floor_of([period["exact_interval"][0] for period in periods])
    width = 1 / len(periods)
    dots = [
        Dot(
            x=across((index + 0.5) * width),
            y=up(period["exact"], floor),
            label=period["first"],
            low=up(period["exact_interval"][0], floor),
            high=up(period["exact_interval"][1], floor),
        )
        for index, period in enumerate(periods)
    ]
    every = -(-len(dots) // 6)
    columns = [Tick(dot.x, dot.label[5:].replace("-", "/")) for dot in dots[::every]]
    return Plot(
        dots=dots,
        columns=columns,
        rows=percent_ticks(floor),
        target=up(target, floor) if target >= floor else None,
    )
