"""Sizes, durations and ages as people read them."""

from datetime import datetime

from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.models import PARTS

NOTHING = "–"


def part_name(part: str) -> str:
    """What a part of a backup is called."""
    names = {
        "database": _("database"),
        "uploads": _("uploaded files"),
        "redis": _("Redis"),
        "configuration": _("configuration"),
    }
    return names.get(part, part)


def check_name(check: str) -> str:
    """What a check of a verification is called; those of archives are named for the part."""
    names = {
        "manifest": _("manifest"),
        "files": _("hashes of the files"),
        "decryption": _("decryption"),
        "restore": _("trial restore"),
        "tables": _("tables"),
        "migrations": _("migrations"),
        "application": _("application"),
        "reading": _("reading"),
    }
    return names.get(check) or part_name(check)


def part_choices() -> list[tuple[str, str]]:
    """The parts, to choose from."""
    return [(part, part_name(part)) for part in PARTS]


def size(number: int | None) -> str:
    """A number of bytes; a dash for none."""
    return NOTHING if number is None else filesizeformat(number)


def duration(seconds: float | None) -> str:
    """Seconds, in the two largest units that say something; a dash for none."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return _("%(seconds)s s") % {
            "seconds": f"{seconds:.1f}" if seconds < 10 else round(seconds)
        }
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}


def age(since: datetime | None, at: datetime | None = None) -> str:
    """How long ago that was, such as `3 hours ago`; a dash for never."""
    if since is None:
        return NOTHING
    seconds = ((at or now()) - since).total_seconds()
    if seconds < 2:
        return _("just now")
    if seconds < 60:
        return _("%(seconds)d s ago") % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(since, at, depth=1)}


def hours(number: int) -> str:
    """A number of hours, in days where it is a whole number of them."""
    if number >= 48 and number % 24 == 0:
        return _("%d days") % (number // 24)
    return _("%d hours") % number
