"""The charts of a policy: where lines and marks stand, in units of the SVG template's viewBox.

Above the replicas as steps, with a mark at each change; below them a chart of each load, with what
the replicas are to bear of it. All of them have one axis of time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from opsconsole.admin import scaling_words
from opsconsole.admin.scaling_series import Load, Replicas, Series
from opsconsole.models import ScalingDecision

WIDTH, LEFT, RIGHT, TOP, FOOT = 960.0, 56.0, 946.0, 12.0, 26.0
HIGH, LOW = 220.0, 140.0
"""Heights of the chart of replicas and of one of a load."""
LINES = 4
GAP = 2.5
"""Intervals without a value after which a line is broken."""
MARKS = {"dry_run": "not", "paused": "not", "short": "bad", "failed": "bad"}
BY_DAYS = timedelta(days=2)
"""From this length on, the axis of time has dates."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there; `at` is the time of one on that axis."""

    place: float
    text: str
    at: str = ""


@dataclass(frozen=True)
class Mark:
    """A change, where it leads, and what it says; `points` are those of its triangle.

    The kind is `not` of one that was not done, `bad` of one that went wrong.
    """

    kind: str
    x: float
    y: float
    points: str
    href: str
    says: str


@dataclass(frozen=True)
class Line:
    """A value over time as points of polylines, one for each stretch without a gap."""

    name: str
    kind: str
    points: list[str]


@dataclass(frozen=True)
class Frame:
    """A chart: its axes, its lines, its marks."""

    title: str
    height: float
    columns: list[Tick]
    rows: list[Tick]
    lines: list[Line]
    marks: Sequence[Mark] = ()
    left: float = LEFT
    right: float = RIGHT
    top: float = TOP
    width: float = WIDTH

    @property
    def bottom(self) -> float:
        """Where the horizontal axis lies."""
        return self.height - FOOT

    @property
    def across(self) -> float:
        """The width of the plot."""
        return RIGHT - LEFT

    @property
    def down(self) -> float:
        """The height of the plot."""
        return self.bottom - TOP


@dataclass(frozen=True)
class Chart:
    """All charts of a policy; `zone` is that of the times on their axes."""

    frames: list[Frame]
    zone: str


Place = tuple[datetime, float | None]


def chart(series: Series, least: int, most: int) -> Chart | None:
    """The charts; None where nothing was decided in that time."""
    if not series.replicas:
        return None
    scale = Scale(series)
    loads = [_load(scale, key, points) for key, points in series.loads.items()]
    return Chart([_replicas(scale, series, least, most), *loads], settings.TIME_ZONE)


def compared(
    series: Series,
    lines: Iterable[tuple[str, str, list[Place]]],
    loads: Mapping[str, Sequence[Load]],
    most: int,
) -> Chart:
    """Numbers of replicas beside each other, each with a name and a kind, above the loads."""
    scale, named = Scale(series), list(lines)
    top = max([most + 1, *(value or 0 for _n, _k, places in named for _at, value in places)])
    up, rows = _whole_axis(int(top))
    frame = Frame(
        title=_("replicas"),
        height=HIGH,
        columns=scale.ticks(),
        rows=rows,
        lines=[_line(scale, up, name, kind, places, steps=True) for name, kind, places in named],
    )
    return Chart([frame, *(_load(scale, *load) for load in loads.items())], settings.TIME_ZONE)


class Scale:
    """The axis of time."""

    def __init__(self, series: Series) -> None:
        self.start, self.end, self.each = series.start, series.end, series.span.each
        self.tick = series.span.tick
        self.dates = series.span.length >= BY_DAYS

    def x(self, at: datetime) -> float:
        """The x of a time; of one beyond the axis, its end."""
        share = (at - self.start) / (self.end - self.start)
        return round(LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT), 1)

    def ticks(self) -> list[Tick]:
        """Round times below the plot, counted from the last midnight."""
        midnight = localtime(self.end).replace(hour=0, minute=0, second=0, microsecond=0)
        first = ceil((self.start - midnight) / self.tick)
        last = floor((self.end - midnight) / self.tick)
        times = [midnight + self.tick * number for number in range(first, last + 1)]
        return [Tick(self.x(at), self._written(at), at.isoformat()) for at in times]

    def _written(self, at: datetime) -> str:
        return date_format(localtime(at), "n/j" if self.dates else "H:i")


def _replicas(scale: Scale, series: Series, least: int, most: int) -> Frame:
    numbers = [row.current for row in series.replicas] + [row.desired for row in series.replicas]
    up, ticks = _whole_axis(max(most + 1, *numbers))
    rows = series.replicas

    def line(name: str, kind: str, value: Callable[[Replicas], float | None]) -> Line:
        return _line(scale, up, name, kind, [(row.at, value(row)) for row in rows], steps=True)

    bounds = [
        Line(_("least and most"), "bound", [f"{LEFT},{up(value)} {RIGHT},{up(value)}"])
        for value in (least, most)
    ]
    return Frame(
        title=_("replicas"),
        height=HIGH,
        columns=scale.ticks(),
        rows=ticks,
        lines=[
            *bounds,
            line(_("decided"), "desired", lambda row: row.desired),
            line(_("ready replicas"), "ready", lambda row: row.ready),
        ],
        marks=[_mark(scale, up, change) for change in series.changes],
    )


def _load(scale: Scale, key: str, points: Sequence[Load]) -> Frame:
    values = [value for row in points for value in (row.value, row.bears) if value is not None]
    step = _step(max(values, default=1.0))
    top = max(ceil(max(values, default=1.0) / step), 1)
    up = _axis(LOW, top * step)
    return Frame(
        title=scaling_words.metric(key),
        height=LOW,
        columns=scale.ticks(),
        rows=[
            Tick(up(step * line), scaling_words.amount(key, step * line))
            for line in range(top + 1)
        ],
        lines=[
            _line(
                scale, up, _("what the replicas are to bear"), "bears",
                [(row.at, row.bears) for row in points], steps=True,
            ),
            _line(scale, up, _("load"), "load", [(row.at, row.value) for row in points]),
        ],
    )  # fmt: skip


def _mark(scale: Scale, up: Callable[[float], float], change: ScalingDecision) -> Mark:
    x, y = scale.x(change.at), up(change.desired)
    tip = -7 if change.action == ScalingDecision.Action.UP else 7
    words = {"before": change.current, "now": change.desired}
    at = date_format(localtime(change.at), "m/d H:i:s")
    says = _("%(before)d → %(now)d") % words
    return Mark(
        kind=MARKS.get(change.outcome, "done"),
        x=x,
        y=y,
        points=f"{x - 6},{y - tip / 2} {x + 6},{y - tip / 2} {x},{y + tip}",
        href=reverse("admin:opsconsole_scalingdecision_change", args=[change.pk]),
        says=f"{at} {says} ({change.get_outcome_display()})",
    )


def _line(
    scale: Scale,
    up: Callable[[float], float],
    name: str,
    kind: str,
    places: Iterable[Place],
    steps: bool = False,
) -> Line:
    """The line, broken where nothing is known; a step goes on to the end of its interval."""
    stretches: list[list[str]] = []
    last: datetime | None = None
    for at, value in places:
        if value is None:
            last = None
            continue
        if last is None or at - last > scale.each * GAP:
            stretches.append([])
        y = up(value)
        stretches[-1].append(f"{scale.x(at)},{y}")
        if steps:
            stretches[-1].append(f"{scale.x(at + scale.each)},{y}")
        last = at
    return Line(name, kind, [" ".join(points) for points in stretches])


def _axis(height: float, top: float) -> Callable[[float], float]:
    """The y of a value on an axis from 0 to `top`."""
    bottom = height - FOOT
    return lambda value: round(bottom - value / top * (bottom - TOP), 1)


def _whole_axis(top: int) -> tuple[Callable[[float], float], list[Tick]]:
    """Of replicas, with a line across at whole numbers alone."""
    every = ceil(top / 6)
    up = _axis(HIGH, ceil(top / every) * every)
    return up, [Tick(up(value), str(value)) for value in range(0, top + 1, every)]


def _step(most: float) -> float:
    """Between two lines across: 1, 2 or 5 times a power of ten, so that there are few of them."""
    rough = max(most, 1e-9) / LINES
    power: float = 10.0 ** floor(log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
