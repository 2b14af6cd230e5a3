"""The charts of the list of backups: sizes and durations over time, in units of the viewBox."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from opsconsole.admin import words
from opsconsole.models import Backup
from pmscoring.base.admin.charts import Dot, Plot, Tick, across, up

MOST, LABELS, LINES = 60, 6, 4
"""Backups of a chart, dates below it, and lines across it."""


@dataclass(frozen=True)
class Mark:
    """A backup's place in a chart, where it leads, and what it says."""

    x: float
    y: float
    href: str
    says: str


@dataclass(frozen=True)
class Chart:
    """The frame and the line of pmscoring/charts/frame.html, with a link at each backup."""

    plot: Plot
    marks: list[Mark]


def charts() -> dict[str, Chart | None]:
    """`sizes` and `durations` of the last backups that are complete; None for fewer than two."""
    done = Backup.objects.filter(status=Backup.Status.STORED, seconds__gt=0, bytes__gt=0)
    rows = list(done.order_by("-requested_at").defer("manifest")[:MOST])[::-1]
    if len(rows) < 2:
        return {"sizes": None, "durations": None}
    return {
        "sizes": _chart(rows, lambda row: row.bytes or 0, lambda value: words.size(int(value))),
        "durations": _chart(rows, lambda row: row.seconds or 0.0, words.duration),
    }


def _chart(
    rows: Sequence[Backup], value_of: Callable[[Backup], float], write: Callable[[float], str]
) -> Chart:
    most = max(map(value_of, rows))
    marks = [
        Mark(
            x=across((index + 0.5) / len(rows)),
            y=up(value_of(row) / most, 0),
            href=reverse("admin:opsconsole_backup_change", args=[row.pk]),
            says=f"{_day(row)}: {write(value_of(row))}",
        )
        for index, row in enumerate(rows)
    ]
    every = -(-len(rows) // LABELS)
    plot = Plot(
        dots=[Dot(mark.x, mark.y, mark.says) for mark in marks],
        columns=[
            Tick(mark.x, _day(row)) for mark, row in zip(marks[::every], rows[::every], strict=True)
        ],
        rows=[Tick(up(line / LINES, 0), write(most * line / LINES)) for line in range(LINES + 1)],
    )
    return Chart(plot, marks)


def _day(backup: Backup) -> str:
    return date_format(localtime(backup.requested_at), "m/d H:i")
