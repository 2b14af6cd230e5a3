"""A backup as commands print it and as a person names it."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q

from opsconsole.backups import places
from opsconsole.models import Backup


def named(text: str) -> Backup | None:
    """The backup of that id, of the first 8 characters of an id, or of that name."""
    match = Q(name=text)
    if len(text) == 8:
        match |= Q(name__endswith=f"-{text}")
    with suppress(ValueError):
        match |= Q(uid=UUID(text))
    return Backup.objects.filter(match).first()


def summary(backup: Backup) -> dict[str, Any]:
    """What `--json` prints of one backup; times in UTC, sizes in bytes."""
    folder = places.folder(backup)
    return {
        "id": str(backup.uid),
        "name": backup.name,
        "path": str(folder) if folder.is_dir() else None,
        "plan": backup.plan.name if backup.plan else None,
        "origin": backup.origin,
        "state": backup.status,
        "reason": backup.reason,
        "note": backup.note,
        "held": backup.held,
        "started_at": backup.started_at,
        "snapshot_at": backup.snapshot_at,
        "seconds": backup.seconds,
        "bytes": backup.bytes,
        "verified": backup.verified_at,
        "verify_seconds": backup.verify_seconds,
        "removed_at": backup.removed_at,
        "parts": parts(backup),
        "stores": [
            {"name": copy.store, "state": copy.status, "reason": copy.reason}
            for copy in backup.copies.all()
        ],
    }


def parts(backup: Backup) -> list[dict[str, Any]]:
    """{name, bytes, sha256, rows?} of each part that the manifest describes."""
    return [
        {key: part[key] for key in ("name", "bytes", "sha256", "rows") if key in part}
        for part in backup.manifest.get("parts", [])
    ]
