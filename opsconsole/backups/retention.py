"""Which backups stay, and why: a pure function over what is known of them.

Only verified backups count. The clock of the server may have jumped, so that the order of the
snapshots is not the order in which the backups were made: where the two differ, a backup stays that
is among the newest in either.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

SAFETY_DAYS = 14
"""How long a backup is kept that was made before a restore."""
BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Keep:
    """The numbers of a plan; days, weeks and months are those of `zone`."""

    last: int
    daily: int
    weekly: int
    monthly: int
    zone: ZoneInfo


@dataclass(frozen=True)
class Entry:
    """What retention knows of a backup whose files are still there.

    `number` is the order in which the backups were requested. `finished` is false while a worker
    may still work on it; `verified` is true only for a complete one that was restored and compared.
    """

    number: int
    snapshot_at: datetime | None = None
    plan: str | None = None
    finished: bool = True
    verified: bool = True
    held: bool = False
    safety: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether the backup stays, and each reason for it; without a reason it is removed."""

    number: int
    reasons: tuple[str, ...]

    @property
    def stays(self) -> bool:
        return bool(self.reasons)

    @property
    def because(self) -> str:
        """The reasons in words."""
        return ", ".join(self.reasons)


def decide(entries: Iterable[Entry], keeps: Mapping[str, Keep], at: datetime) -> list[Decision]:
    """One decision for each entry, in their order.

    Safety backups stay for SAFETY_DAYS, and others without a plan of `keeps` until a person removes
    them.
    """
    entries = list(entries)
    reasons: dict[int, list[str]] = {entry.number: [] for entry in entries}
    for plan, keep in keeps.items():
        _decide_plan([entry for entry in entries if entry.plan == plan], keep, reasons)
    for entry in entries:
        if entry.plan not in keeps:
            reasons[entry.number] += _reasons_without_plan(entry, entries, at)
        if entry.held:
            reasons[entry.number].append(_("held"))
        if not entry.finished:
            reasons[entry.number].append(_("under way"))
    return [Decision(entry.number, tuple(reasons[entry.number])) for entry in entries]


def _decide_plan(entries: Sequence[Entry], keep: Keep, reasons: dict[int, list[str]]) -> None:
    if not all(entry.verified for entry in _newest([e for e in entries if e.finished])):
        for entry in entries:
            reasons[entry.number].append(_("the newest backup of the plan is not verified"))
        return
    verified = [entry for entry in entries if entry.verified]
    for entry in _newest(verified):
        reasons[entry.number].append(_("the newest verified one"))
    for entry in _last(verified, keep.last):
        reasons[entry.number].append(_("one of the last %d") % keep.last)
    periods: tuple[tuple[int, Callable[[datetime], str], str], ...] = (
        (keep.daily, _day, _("the newest of %s")),
        (keep.weekly, _week, _("the newest of week %s")),
        (keep.monthly, _month, _("the newest of month %s")),
    )
    for count, period_of, words in periods:
        for period, entry in _of_periods(verified, count, period_of, keep.zone):
            reasons[entry.number].append(words % period)


def _reasons_without_plan(entry: Entry, entries: Sequence[Entry], at: datetime) -> list[str]:
    if not entry.safety:
        return [_("it belongs to no plan")]
    end = _snapshot(entry) + timedelta(days=SAFETY_DAYS) if entry.snapshot_at else at
    if at < end:
        return [_("made before a restore, kept for %d days") % SAFETY_DAYS]
    if not any(_is_later(other, entry) for other in entries if other.verified):
        return [_("no later backup is verified")]
    return []


def _is_later(one: Entry, other: Entry) -> bool:
    return one.number > other.number and _snapshot(one) >= _snapshot(other)


def _snapshot(entry: Entry) -> datetime:
    return entry.snapshot_at or BEGINNING


def _by_snapshot(entry: Entry) -> tuple[datetime, int]:
    return _snapshot(entry), entry.number


def _by_number(entry: Entry) -> int:
    return entry.number


def _newest(entries: Sequence[Entry]) -> set[Entry]:
    """The newest by its snapshot, and the one that was made last; most often they are the same."""
    return _last(entries, 1)


def _last(entries: Sequence[Entry], count: int) -> set[Entry]:
    by_snapshot = sorted(entries, key=_by_snapshot, reverse=True)
    by_number = sorted(entries, key=_by_number, reverse=True)
    return {*by_snapshot[:count], *by_number[:count]}


def _of_periods(
    entries: Sequence[Entry], count: int, period_of: Callable[[datetime], str], zone: ZoneInfo
) -> list[tuple[str, Entry]]:
    """The newest entry of each of the `count` latest periods that have one."""
    newest: dict[str, Entry] = {}
    for entry in sorted(entries, key=_by_snapshot, reverse=True):
        newest.setdefault(period_of(_snapshot(entry).astimezone(zone)), entry)
    return list(newest.items())[:count]


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"


def _week(time: datetime) -> str:
    year, week, _weekday = time.isocalendar()
    return f"{year}-W{week:02}"


def _month(time: datetime) -> str:
    return f"{time:%Y-%m}"
