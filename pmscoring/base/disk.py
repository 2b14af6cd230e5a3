"""Room on the disk: intake ends before there is none."""

import shutil
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

MIB = 1024 * 1024


class DiskFull(Exception):
    """There is no room for what was sent, and nothing of it was kept."""


def require_room(size: int = 0) -> None:
    """Raise DiskFull where less than the reserve would be left after `size` bytes more."""
    folder = Path(settings.MEDIA_ROOT)
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free - size < settings.DISK_RESERVE_BYTES:
        raise DiskFull(
            _(
                "The disk of this site is nearly full: %(free)d MB are free, and %(reserve)d MB are"
                " kept for marking and for the database. Nothing was saved. Answers are accepted"
                " again as soon as there is room; tell whoever operates this site."
            )
            % {"free": free // MIB, "reserve": settings.DISK_RESERVE_BYTES // MIB}
        )
