"""When a plan runs, in words and as a form: a time, how often a day, and on which weekdays.

Celery's crontabs can say more than that, such as the first of each month. Such a schedule is shown
as it is and kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.conf import settings
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django_celery_beat.models import CrontabSchedule

EVERY_DAY = tuple(range(7))
TIMES_A_DAY = (1, 2, 4, 24)
EVERYTHING = ("*", "*")


@dataclass(frozen=True)
class Timing:
    """`at` is the first time of the day; `days` are crontab's, with 0 for Sunday."""

    at: time
    times: int = 1
    days: tuple[int, ...] = EVERY_DAY

    @property
    def hours(self) -> list[int]:
        """The hours of the day, in order."""
        return sorted((self.at.hour + 24 // self.times * index) % 24 for index in range(self.times))


def times_choices() -> list[tuple[str, str]]:
    """How often a day, to choose from."""
    names = (_("once a day"), _("every 12 hours"), _("every 6 hours"), _("every hour"))
    return [(str(times), name) for times, name in zip(TIMES_A_DAY, names, strict=True)]


def day_choices() -> list[tuple[str, str]]:
    """The weekdays from Monday on, by their numbers in a crontab."""
    return [(str((day + 1) % 7), str(WEEKDAYS[day])) for day in range(7)]


def timing(crontab: CrontabSchedule) -> Timing | None:
    """The schedule as a form has it; None for one that says more than that."""
    schedule: Any = crontab.schedule
    days, hours, minutes = schedule.day_of_week, sorted(schedule.hour), schedule.minute
    if (crontab.day_of_month, crontab.month_of_year) != EVERYTHING or len(minutes) != 1:
        return None
    candidate = Timing(time(hours[0], min(minutes)), len(hours), tuple(sorted(days)))
    return candidate if len(hours) in TIMES_A_DAY and candidate.hours == hours else None


def crontab_of(wanted: Timing, zone: Any) -> CrontabSchedule:
    """The schedule that says so, made where there is none."""
    days = "*" if len(wanted.days) == 7 else ",".join(map(str, wanted.days))
    fields: dict[str, Any] = {
        "minute": str(wanted.at.minute),
        "hour": "*" if wanted.times == 24 else ",".join(map(str, wanted.hours)),
        "day_of_week": days,
        "day_of_month": "*",
        "month_of_year": "*",
        "timezone": zone,
    }
    # Not get_or_create: nothing keeps two equal schedules from being there.
    return CrontabSchedule.objects.filter(**fields).first() or CrontabSchedule.objects.create(
        **fields
    )


def in_words(crontab: CrontabSchedule) -> str:
    """Such as `every day at 02:00`; with the zone where it is not the installation's."""
    regular = timing(crontab)
    text = _by_crontab(crontab) if regular is None else _timing_in_words(regular)
    zone = str(crontab.timezone)
    return text if zone == settings.TIME_ZONE else f"{text} ({zone})"


def _timing_in_words(timing: Timing) -> str:
    days = _days(timing.days)
    if timing.times == 24:
        return _("%(days)s, every hour at minute %(minute)02d") % {
            "days": days,
            "minute": timing.at.minute,
        }
    hours = ", ".join(f"{hour:02}:{timing.at.minute:02}" for hour in timing.hours)
    return _("%(days)s at %(times)s") % {"days": days, "times": hours}


def _days(days: Sequence[int]) -> str:
    if len(days) == 7:
        return _("every day")
    return ", ".join(str(WEEKDAYS_ABBR[(day - 1) % 7]) for day in sorted(days, key=_from_monday))


def _from_monday(day: int) -> int:
    return (day - 1) % 7


def _by_crontab(crontab: CrontabSchedule) -> str:
    fields = (
        crontab.minute,
        crontab.hour,
        crontab.day_of_month,
        crontab.month_of_year,
        crontab.day_of_week,
    )
    return _("by the crontab “%s”") % " ".join(fields)
