"""Exam windows by the exams' own dates: made, moved and removed as scoring publishes them.

A window follows its exam until a person sets other times: then it is left alone. What is not known
changes nothing: a load that is away, or cannot be read, is no reason to remove a window.

Races, and why each is safe:

1. Two turns at once, or a turn and a person: windows.changing lets one after the other.
2. A turn with an older load comes after one with a newer, and moves a window back. The next turn
   moves it again; a load is published every few seconds, and none is older than 20.
3. An exam ends between the look at the load and the look at the clock. Then it is missing in the
   load, but its window has begun: only one that has not begun is removed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.utils.timezone import now

from opsconsole.environments import windows
from opsconsole.models import Caller, Event, ExamWindow

log = logging.getLogger(__name__)
FLOORS: Mapping[str, int] = {"web": 2, "worker": 2}
"""Of the first window that is made; later ones have those of the one before."""


@dataclass(frozen=True)
class Exam:
    """An exam that has not ended, as scoring publishes it."""

    code: str
    title: str
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def read(cls, row: Mapping[str, str]) -> Self:
        """One of the load; raises KeyError, TypeError or ValueError where it is none."""
        times = [datetime.fromisoformat(row[name]) for name in ("starts_at", "ends_at")]
        if any(time.tzinfo is None for time in times) or times[0] >= times[1]:
            raise ValueError(f"no interval: {row['starts_at']} to {row['ends_at']}")
        return cls(row["code"], row["title"], *times)

    def overlaps(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether the interval shares a moment with it."""
        return starts_at < self.ends_at and ends_at > self.starts_at


def follow(load: Mapping[str, Any], *, caller: Caller, at: datetime | None = None) -> None:
    """Make and move the windows of the exams that come; remove those of exams that do not come."""
    at = at or now()
    exams = _exams(load)
    if exams is None:
        return
    with windows.changing():
        for exam in exams:
            _follow(exam, caller, at)
        if not load.get("exams_left_out"):
            _remove_others([exam.code for exam in exams], caller, at)


def _exams(load: Mapping[str, Any]) -> list[Exam] | None:
    """The exams of the load; None where it does not say, or one cannot be read."""
    if "exams" not in load:
        return None
    try:
        return [Exam.read(row) for row in load["exams"]]
    except (KeyError, TypeError, ValueError) as error:
        log.warning("the exams in the load cannot be read: %s", type(error).__name__)
        return None


def _follow(exam: Exam, caller: Caller, at: datetime) -> None:
    """Make the exam's window, or move it; one whose times a person has set is left alone."""
    # Those that are over belong to an earlier sitting, unless they overlap this one.
    since = min(at, exam.starts_at)
    window = ExamWindow.objects.filter(exam=exam.code, ends_at__gt=since).first()
    if window is None:
        if not _was_removed(exam):
            _make(exam, caller)
    elif window.follows and (window.starts_at, window.ends_at) != (exam.starts_at, exam.ends_at):
        window.starts_at, window.ends_at = exam.starts_at, exam.ends_at
        window.save(update_fields=["starts_at", "ends_at"])
        windows.record(window, caller, "moved")


def _make(exam: Exam, caller: Caller) -> None:
    before = ExamWindow.objects.exclude(exam="").order_by("-pk").first()
    window = ExamWindow.objects.create(
        name=f"{exam.code} {exam.title}"[:80],
        exam=exam.code,
        follows=True,
        starts_at=exam.starts_at,
        ends_at=exam.ends_at,
        floors=before.floors if before else dict(FLOORS),
    )
    windows.record(window, caller, "added")


def _was_removed(exam: Exam) -> bool:
    """Whether a person has removed a window of the exam that lay where the exam lies now."""
    removed = Event.objects.filter(
        deed="window.changed", details__change="removed", details__exam=exam.code
    ).exclude(source=Event.Source.BEAT)
    times = removed.values_list("details__starts", "details__ends")
    return any(
        exam.overlaps(datetime.fromisoformat(start), datetime.fromisoformat(end))
        for start, end in times
    )


def _remove_others(codes: list[str], caller: Caller, at: datetime) -> None:
    """Remove windows, not begun, of exams that were deleted or have no dates any more."""
    ahead = ExamWindow.objects.filter(follows=True, starts_at__gt=at).exclude(exam__in=codes)
    for window in ahead:
        windows.remove(window, caller=caller)
