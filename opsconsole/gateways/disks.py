"""The room on a disk, looked at before it is needed."""

import os
import shutil
from pathlib import Path

from django.utils.translation import gettext as _

SPARE = 64 * 1024 * 1024
"""Bytes that are left free beside what the work needs."""
MEGABYTE = 1024 * 1024


class DiskFull(Exception):
    """There is less room than the work needs; the message says how much of each."""


def used(folder: Path) -> int:
    """The bytes of all files below the folder; 0 where it is not there."""
    return sum(
        _size(Path(place) / name) for place, _folders, names in os.walk(folder) for name in names
    )


def require(folder: Path, needed: int) -> None:
    """Raise DiskFull unless `needed` bytes and a little more are free where the folder is."""
    free = shutil.disk_usage(_existing(folder)).free
    if free < needed + SPARE:
        words = {"folder": folder, "needed": _megabytes(needed + SPARE), "free": _megabytes(free)}
        raise DiskFull(
            _("%(folder)s has %(free)d MB free, but %(needed)d MB may be needed") % words
        )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # removed meanwhile
        return 0


def _megabytes(count: int) -> int:
    return -(-count // MEGABYTE)
