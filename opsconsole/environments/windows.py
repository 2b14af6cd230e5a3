"""Exam windows: while one holds, deployments, restores and prunes are refused without a reason.

Races, and why each is safe:

1. Two change windows at once: people, and the turn that has windows follow their exams. Each locks
   the installation's row first, so the second begins when the first has committed.
2. A window follows its exam to other times while a person has its form open. The form brings the
   times of before, but of a window that follows, a person's times are never written: see `save`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.environments import bounds
from opsconsole.models import Caller, Event, ExamWindow, Installation
from pmscoring.base.refusals import Refused


def holding(at: datetime | None = None) -> ExamWindow | None:
    """The window in which the moment lies, of several the one that ends last; its end is not."""
    at = at or now()
    return ExamWindow.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("-ends_at").first()


def refuse_in_window(reason: str, at: datetime | None = None) -> None:
    """Raise Refused while an exam window holds and no reason is given."""
    window = holding(at)
    if window is None or reason.strip():
        return
    until = window.local(window.ends_at)
    words = {"name": window.name, "until": f"{until:%Y-%m-%d %H:%M %Z}"}
    raise Refused(
        _("the exam window %(name)s holds until %(until)s; a reason overrides this") % words
    )


def floor_of(
    service: str,
    at: datetime | None = None,
    *,
    within: timedelta = timedelta(0),
    engine: str = "",
) -> int:
    """The least replicas of the service by the windows that hold; 0 where none says so.

    Windows that begin `within` that time count too. No floor is above what a service may have on
    the engine.
    """
    at = at or now()
    windows = ExamWindow.objects.filter(starts_at__lte=at + within, ends_at__gt=at)
    floors = (window.floors.get(service) for window in windows)
    highest = max((floor for floor in floors if type(floor) is int), default=0)
    return min(highest, bounds.most(service, engine))


def refuse_below_floor(
    service: str,
    replicas: int,
    reason: str,
    *,
    engine: str = "",
    present: int | None = None,
    most: int | None = None,
) -> None:
    """Raise Refused for fewer replicas than a window that holds wants, where no reason is given.

    More than the `present` number, where it is known, is never refused: it is a part of the way to
    the floor. A policy has its `most`, which goes before the floor.
    """
    floor = floor_of(service, engine=engine)
    floor = floor if most is None else min(floor, most)
    rises = present is not None and replicas >= present
    if rises or replicas >= floor or reason.strip():
        return
    words = {"service": service, "floor": floor}
    raise Refused(
        _("an exam window wants at least %(floor)d of %(service)s; a reason overrides this") % words
    )


def refuse_floors(floors: Mapping[str, object]) -> None:
    """Raise Refused for a floor beyond what its service may have."""
    for service, replicas in floors.items():
        bounds.refuse_beyond(service, replicas)


def refuse_moved(window: ExamWindow) -> None:
    """Raise ValidationError for times that are not those of the exam that the window follows."""
    if not window.follows or not (row := ExamWindow.objects.filter(pk=window.pk).first()):
        return
    words = _("The window follows the dates of its exam, %(exam)s. End that to set other times.")
    for name in ("starts_at", "ends_at"):
        if row.follows and getattr(window, name) != getattr(row, name):
            raise ValidationError({name: words % {"exam": window.exam}})


@contextmanager
def changing() -> Iterator[None]:
    """A transaction in which nobody else changes windows."""
    with transaction.atomic():
        Installation.objects.locked()
        yield


def save(window: ExamWindow, *, caller: Caller, change: str = "changed") -> None:
    """Write a window that a person has added or changed, and its event.

    Times of a window that follows its exam stay as they are in the database.
    """
    with changing():
        if window.pk and window.follows:
            window.refresh_from_db(fields=["starts_at", "ends_at"])
        window.save()
        record(window, caller, change)


def remove(window: ExamWindow, *, caller: Caller) -> None:
    """Remove a window; its event keeps when it was."""
    with changing():
        record(window, caller, "removed")
        window.delete()


def record(window: ExamWindow, caller: Caller, change: str) -> None:
    """Leave the event of a window that was added, changed or removed."""
    times = {"starts": window.starts_at.isoformat(), "ends": window.ends_at.isoformat()}
    exam: dict[str, Any] = {}
    if window.exam:
        exam = {"exam": window.exam, "follows": window.follows}
    Event.objects.record("window.changed", window, caller, change=change, **times, **exam)
