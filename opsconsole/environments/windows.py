"""Exam windows: while one holds, deployments, restores and prunes are refused without a reason."""

from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from opsconsole.models import Caller, Event, ExamWindow
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
    words = {"name": window.name, "until": f"{localtime(window.ends_at):%Y-%m-%d %H:%M %Z}"}
    raise Refused(
        _("the exam window %(name)s holds until %(until)s; a reason overrides this") % words
    )


def floor_of(service: str, at: datetime | None = None) -> int:
    """The least replicas of the service by the windows that hold; 0 where none says so."""
    at = at or now()
    holding_now = ExamWindow.objects.filter(starts_at__lte=at, ends_at__gt=at)
    floors = (window.floors.get(service) for window in holding_now)
    return max((floor for floor in floors if type(floor) is int), default=0)


def refuse_below_floor(service: str, replicas: int, reason: str) -> None:
    """Raise Refused for fewer replicas than a window that holds wants, where no reason is given."""
    floor = floor_of(service)
    if replicas >= floor or reason.strip():
        return
    words = {"service": service, "floor": floor}
    raise Refused(
        _("an exam window wants at least %(floor)d of %(service)s; a reason overrides this") % words
    )


def save(window: ExamWindow, *, caller: Caller, change: str = "changed") -> None:
    """Write a window that was added or changed, and its event."""
    with transaction.atomic():
        window.save()
        _record(window, caller, change)


def remove(window: ExamWindow, *, caller: Caller) -> None:
    """Remove a window; its event keeps when it was."""
    with transaction.atomic():
        _record(window, caller, "removed")
        window.delete()


def _record(window: ExamWindow, caller: Caller, change: str) -> None:
    times = {"starts": window.starts_at.isoformat(), "ends": window.ends_at.isoformat()}
    Event.objects.record("window.changed", window, caller, change=change, **times)
