"""When exams are held: in their definitions, and as the load publishes those to come."""

from datetime import UTC, datetime
from typing import Any

from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from pmscoring.base.faults import Fault, fault
from scoring.models import Exam

MOST_PUBLISHED = 100
YEARS = range(1971, 9999)
"""Those that every zone and PostgreSQL can tell of."""


def faults(held: dict[str, str] | None) -> list[Fault]:
    """What is wrong with `held` of a definition that its schema allows."""
    if held is None:
        return []
    times = {name: datetime.fromisoformat(held[name]) for name in ("starts_at", "ends_at")}
    problems = [
        fault(f"/held/{name}", _("a year from 1971 to 9998 is expected"))
        for name, time in times.items()
        if time.year not in YEARS
    ]
    if not problems and times["ends_at"] <= times["starts_at"]:
        problems = [fault("/held/ends_at", _("The end must be later than the start."))]
    return problems


def read(held: dict[str, str] | None) -> tuple[datetime | None, datetime | None]:
    """The start and the end that a definition without faults names; None for both where none."""
    if held is None:
        return None, None
    return datetime.fromisoformat(held["starts_at"]), datetime.fromisoformat(held["ends_at"])


def describe(exam: Exam) -> dict[str, str] | None:
    """`held` of the exam's definition, in the installation's zone."""
    if exam.starts_at is None or exam.ends_at is None:
        return None
    return {
        "starts_at": localtime(exam.starts_at).isoformat(),
        "ends_at": localtime(exam.ends_at).isoformat(),
    }


def coming(at: datetime | None = None) -> dict[str, Any]:
    """`{exams: [{code, title, starts_at, ends_at}], exams_left_out}` for the published load.

    The exams that have not ended, the next one first, with times in UTC; `exams_left_out` counts
    those beyond the first MOST_PUBLISHED. Nothing in it is personal.
    """
    rows = Exam.objects.filter(ends_at__gt=at or now()).order_by("starts_at", "pk")
    names = ("code", "title", "starts_at", "ends_at")
    exams = [dict(zip(names, map(_plain, row), strict=True)) for row in rows.values_list(*names)]
    return {"exams": exams[:MOST_PUBLISHED], "exams_left_out": len(exams[MOST_PUBLISHED:])}


def _plain(value: str | datetime | None) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value or ""
