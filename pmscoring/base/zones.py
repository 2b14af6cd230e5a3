"""Time zones by their IANA names, and local times that clocks skip or show twice."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


class Skipped(ValueError):
    """Clocks of the zone do not show this time, for they are put forward over it."""


def zone(name: str) -> ZoneInfo:
    """The zone of the name; raises ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise ValueError(f"{name!r} is not a time zone such as Asia/Tokyo") from error


def check(name: str) -> None:
    """Raise ValidationError, which names the zone, where there is none of this name."""
    try:
        zone(name)
    except ValueError as error:
        words = _("%(name)s is not a time zone such as Asia/Tokyo.")
        raise ValidationError(words, code="zone", params={"name": name}) from error


@cache
def names() -> list[str]:
    """The zones of places, such as Asia/Tokyo, and UTC."""
    places = (name for name in available_timezones() if "/" in name)
    return sorted([*(name for name in places if not name.startswith("Etc/")), "UTC"])


def moment(typed: datetime, zone: ZoneInfo, *, later: bool = False) -> datetime:
    """When clocks of the zone show the naive time `typed`.

    Of two such moments it is the earlier, unless `later`. Raises Skipped, in words, where there is
    none.
    """
    at = typed.replace(tzinfo=zone, fold=int(later))
    shown = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    if shown != typed:
        # The earlier offset carries the time over the gap: what clocks show at that moment.
        instead = typed.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)
        words = {"zone": zone.key, "time": f"{typed:%H:%M}", "date": f"{typed:%Y-%m-%d}"}
        words["instead"] = f"{instead:%H:%M}"
        raise Skipped(
            _("Clocks in %(zone)s skip %(time)s on %(date)s: they show %(instead)s then.") % words
        )
    return at.astimezone(UTC)


def occurs_twice(typed: datetime, zone: ZoneInfo) -> bool:
    """Whether clocks of the zone, being put back, show the naive time twice."""
    return moment(typed, zone) != moment(typed, zone, later=True)
