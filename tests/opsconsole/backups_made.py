"""Backups as rows, and as folders with files, for tests of what is shown of them."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.utils.timezone import now
from django_celery_beat.models import CrontabSchedule

from opsconsole.backups.manifest import File, part_with
from opsconsole.models import Backup, BackupPlan, Installation, Verification

ROWS = {"scoring_answer": 120, "scoring_exam": 2}


def plan(**changes: Any) -> BackupPlan:
    """The plan that is there from the first start, with changes.

    It is made again where a test that commits has emptied the tables.
    """
    found = BackupPlan.objects.filter(name="daily").first()
    schedule = found.schedule if found else crontab()
    wanted = {"schedule": schedule, **changes}
    return BackupPlan.objects.update_or_create(name="daily", defaults=wanted)[0]


def crontab(**fields: str) -> CrontabSchedule:
    """Daily at 02:00, with changes."""
    wanted = {"minute": "0", "hour": "2", "timezone": settings.TIME_ZONE}
    return CrontabSchedule.objects.create(**wanted | fields)


def made(ago: timedelta = timedelta(hours=1), **changes: Any) -> Backup:
    """A verified backup in the backup folder, requested that long ago."""
    at, uid = now() - ago, uuid4()
    wanted: dict[str, Any] = {
        "uid": uid,
        "name": name_of(uid, at),
        "status": Backup.Status.STORED,
        "requested_by": "operator",
        "requested_at": at,
        "started_at": at,
        "snapshot_at": at,
        "finished_at": at + timedelta(seconds=42),
        "seconds": 42.0,
        "bytes": 5_000_000,
        "verified_at": at + timedelta(seconds=40),
        "verify_seconds": 12.5,
        "fraction": 1.0,
    }
    wanted["manifest"] = manifest(wanted["name"], uid)
    return Backup.objects.create(**wanted | changes)


def name_of(uid: UUID, at: datetime) -> str:
    """The name of a backup's folder."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{uid.hex[:8]}"


def manifest(name: str, uid: UUID, files: dict[str, bytes] | None = None) -> dict[str, Any]:
    """A manifest of format 1."""
    content = files or {"database/toc.dat": b"toc", "uploads.tar": b"tar" * 500}
    parts: dict[str, list[File]] = {}
    for path, data in content.items():
        entry: File = {
            "path": path,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        parts.setdefault(path.split("/")[0].split(".")[0], []).append(entry)
    return {
        "format": 1,
        "installation": str(Installation.objects.here().uid),
        "id": str(uid),
        "name": name,
        "started_at": "2026-11-28T17:00:00+00:00",
        "snapshot_at": "2026-11-28T17:00:00+00:00",
        "product": {"version": "0.1.0", "migrations": {"scoring": ["0001_initial"]}},
        "server": {
            "version": "16.4",
            "client": 16,
            "encoding": "UTF8",
            "locale": "C",
            "collations": {},
        },
        "encryption": None,
        "left_out": [{"what": "secrets", "why": "the backup is not encrypted"}],
        "warnings": [],
        "parts": [part_with(part, entries) for part, entries in parts.items()],
        "tables": {table: {"rows": rows, "sha256": "0" * 64} for table, rows in ROWS.items()},
    }


def with_files(backup: Backup, folder: Path, files: dict[str, bytes]) -> Path:
    """Write these files and a manifest into the backup's folder below `folder`."""
    place = folder / backup.name
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    content = manifest(backup.name, backup.uid, files)
    (place / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    return place


def verification(backup: Backup, **changes: Any) -> Verification:
    """A good look at the backup."""
    checks = [
        {"name": "hashes", "ok": True, "says": "5 files have the SHA-256 of the manifest"},
        {"name": "rows", "ok": True, "says": "122 rows in 2 tables"},
    ]
    wanted = {"ok": True, "complete": True, "seconds": 20.0, "restore_seconds": 12.5}
    return Verification.objects.create(backup=backup, **{"checks": checks, **wanted, **changes})
