"""Where the files of a backup are: a folder of BACKUP_DIR, and a prefix in each store."""

import re
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.models import Backup, Installation

MANIFEST = "manifest.json"
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
"""What each backup and its folder are called: the time, and the beginning of its id."""


class Unsafe(Exception):
    """A name leads out of the folder where it belongs."""


def folder(backup: Backup) -> Path:
    """The backup's folder, whether it is there or not."""
    return Path(settings.BACKUP_DIR) / _checked(backup.name)


def prefix(backup: Backup) -> str:
    """What the keys of all its objects begin with in a store."""
    return f"{installation_of(backup)}/{_checked(backup.name)}"


def is_ours(backup: Backup) -> bool:
    """Whether this installation made it; only such files are ever removed."""
    return installation_of(backup) == str(Installation.objects.here().uid)


def installation_of(backup: Backup) -> str:
    """The id of the installation that made the backup."""
    made_by = backup.manifest.get("installation") or Installation.objects.here().uid
    return str(made_by)


def relative(name: str) -> PurePosixPath:
    """The path of a file inside a backup; raises Unsafe where it leads elsewhere."""
    path = PurePosixPath(name)
    parts = name.split("/")
    if path.is_absolute() or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Unsafe(_("%r is not a path inside a backup") % name[:100])
    return path


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Unsafe(_("%r is not the name of a backup") % name[:100])
    return name
