"""The calendar of exam windows: weeks of days, and what each window that comes asks of whom."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format, get_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from opsconsole.admin import names, words
from opsconsole.models import ExamWindow, ScalingPolicy
from opsconsole.scaling.calendar import Lead, floor_of, lead_of
from opsconsole.scaling.shapes import Floor
from pmscoring.base.admin.labels import labels

WEEKS, MOST_COMING = 5, 20
COLOURS = {"holds": "warning", "ahead": "info", "over": "default"}
MICROSECOND = timedelta(microseconds=1)


def context(at: datetime) -> dict[str, Any]:
    """The context of opsconsole/calendar.html."""
    coming = list(ExamWindow.objects.filter(ends_at__gt=at).order_by("starts_at", "pk"))
    policies = list(ScalingPolicy.objects.at_work().select_related("environment"))
    return {
        "any": ExamWindow.objects.exists(),
        "days": [WEEKDAYS_ABBR[(_first_day() + day - 1) % 7] for day in range(7)],
        "weeks": _weeks(at),
        "coming": [_coming(window, policies, at) for window in coming[:MOST_COMING]],
        "more": len(coming[MOST_COMING:]),
    }


def state(window: ExamWindow, at: datetime) -> tuple[str, str]:
    """The key of its colour, and whether the window is ahead, holds or is over."""
    if window.ends_at <= at:
        return "over", _("over")
    return ("ahead", _("ahead")) if window.starts_at > at else ("holds", _("holds"))


def local_time(window: ExamWindow, at: datetime) -> SafeString:
    """The moment as the clocks of the window's zone show it, and the zone."""
    here = window.local(at)
    return format_html(
        '<time datetime="{}" title="{}">{} <small class="pms-none">{}</small></time>',
        here.isoformat(timespec="seconds"),
        window.zone or here.tzinfo,
        date_format(here, "SHORT_DATETIME_FORMAT"),
        f"{here:%Z}",
    )


def _first_day() -> int:
    """The day with which weeks begin: 0 is Sunday."""
    return int(get_format("FIRST_DAY_OF_WEEK"))


def _weeks(at: datetime) -> list[list[dict[str, Any]]]:
    """Weeks of days, the first with today: each day with the windows that touch it."""
    today = localtime(at).date()
    first = today - timedelta(days=(today.isoweekday() - _first_day()) % 7)
    days = [first + timedelta(days=number) for number in range(7 * WEEKS)]
    # Wherever the zone is, its days are those of another by one at most.
    around = localtime(at).replace(hour=0, minute=0) + (first - today)
    end = around + timedelta(days=7 * WEEKS + 1)
    rows = ExamWindow.objects.filter(starts_at__lt=end, ends_at__gt=around - timedelta(days=1))
    windows = list(rows.order_by("starts_at", "pk"))
    cells = [_day(day, today, windows, at) for day in days]
    return [cells[number : number + 7] for number in range(0, len(cells), 7)]


def _day(day: date, today: date, windows: list[ExamWindow], at: datetime) -> dict[str, Any]:
    first = day.day == 1 or day == today
    touching = [window for window in windows if _first(window) <= day <= _last(window)]
    return {
        "number": date_format(day, "MONTH_DAY_FORMAT") if first else str(day.day),
        "date": day,
        "is_today": day == today,
        "is_past": day < today,
        "windows": [(window, _hours(window, day), state(window, at)[0]) for window in touching],
    }


def _first(window: ExamWindow) -> date:
    return window.local(window.starts_at).date()


def _last(window: ExamWindow) -> date:
    """Its last day: a window that ends at midnight is not on the day that begins then."""
    return window.local(window.ends_at - MICROSECOND).date()


def _hours(window: ExamWindow, day: date) -> str:
    """From when until when on that day, by the clocks of the window's zone."""
    starts = f"{window.local(window.starts_at):%H:%M}" if day == _first(window) else ""
    ends = f"{window.local(window.ends_at):%H:%M}" if day == _last(window) else ""
    return f"{starts}–{ends}" if starts or ends else _("all day")


def _coming(window: ExamWindow, policies: list[ScalingPolicy], at: datetime) -> dict[str, Any]:
    """A window that has not ended, with a row for each floor and environment."""
    key, word = state(window, at)
    rows = [
        row
        for service, replicas in window.floors.items()
        for row in _floors(window, service, replicas, policies)
    ]
    return {
        "window": window,
        "label": labels([(COLOURS[key], word)]),
        "starts": local_time(window, window.starts_at),
        "ends": local_time(window, window.ends_at),
        "floors": rows,
    }


def _floors(
    window: ExamWindow, service: str, replicas: int, policies: list[ScalingPolicy]
) -> Iterator[dict[str, Any]]:
    """What the floor means in each environment whose policy scales the service."""
    row = {"service": names.service(service), "replicas": replicas}
    own = [policy for policy in policies if policy.service == service]
    for policy in own:
        lead = lead_of(policy.startup_seconds)
        if floor := floor_of(window, service, lead.whole, policy.environment.engine):
            yield row | {
                "policy": policy,
                "prepare": local_time(window, floor.prepare_at),
                "why": _lead_in_words(lead),
                "but": _but(policy, floor),
            }
    if not own:
        yield row | {"policy": None}


def _lead_in_words(lead: Lead) -> str:
    numbers = {
        "lead": words.duration(lead.whole.total_seconds()),
        "startup": words.duration(lead.startup.total_seconds()),
    }
    if lead.measured:
        return _("%(lead)s before: a start was measured to take %(startup)s") % numbers
    return _("%(lead)s before: no start was measured yet, and %(startup)s are assumed") % numbers


def _but(policy: ScalingPolicy, floor: Floor) -> str:
    """Why the policy will not ask for all of the floor, as things are; empty where it will."""
    if policy.dry_run:
        return _("It will not be done: the policy only says what it would do.")
    if policy.is_paused(floor.prepare_at):
        return _("It will not be done then: the policy is paused.")
    if policy.most < floor.replicas:
        return _("The policy allows %(most)d at most.") % {"most": policy.most}
    return ""
