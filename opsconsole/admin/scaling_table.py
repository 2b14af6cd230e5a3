"""What a chart shows, as the rows of a table: for those who cannot see it, and without a script."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from opsconsole.admin import scaling_words, states, words
from opsconsole.admin.scaling_series import Series


@dataclass(frozen=True)
class Row:
    """The highest loads of a stretch of time, and the least and most replicas in it."""

    at: SafeString
    loads: list[str]
    ready: str
    desired: str
    changes: int


@dataclass(frozen=True)
class Table:
    """`loads` are the names of the columns of the metrics."""

    loads: list[str]
    rows: list[Row]


def table(series: Series) -> Table:
    """The latest stretch first."""
    names = list(series.loads)
    starts = sorted({_start(row.at, series.span.row) for row in series.replicas}, reverse=True)
    return Table(
        [scaling_words.metric(key) for key in names], [_row(series, names, at) for at in starts]
    )


def _row(series: Series, names: Sequence[str], start: datetime) -> Row:
    length = series.span.row

    def within(at: datetime) -> bool:
        return _start(at, length) == start

    replicas = [row for row in series.replicas if within(row.at)]
    loads = [
        max(
            (
                load.value
                for load in series.loads[key]
                if load.value is not None and within(load.at)
            ),
            default=None,
        )
        for key in names
    ]
    return Row(
        at=states.when(start),
        loads=[scaling_words.amount(key, load) for key, load in zip(names, loads, strict=True)],
        ready=_range(row.ready for row in replicas),
        desired=_range(row.desired for row in replicas),
        changes=sum(within(change.at) for change in series.changes),
    )


def _start(at: datetime, length: timedelta) -> datetime:
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (at - midnight) // length * length


def _range(numbers: Iterable[int | None]) -> str:
    known = [number for number in numbers if number is not None]
    if not known:
        return words.NOTHING
    return str(known[0]) if min(known) == max(known) else f"{min(known)}–{max(known)}"
