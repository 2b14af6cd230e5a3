"""Backups of the console, as rows and as folders with files."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.utils.timezone import now
from django_celery_beat.models import CrontabSchedule

from opsconsole.backups import manifest, places
from opsconsole.models import Backup, BackupPlan, Installation

STATUS = Backup.Status
CONTENT = {"database/toc.dat": b"toc", "database/1.dat.gz": b"rows", "uploads.tar": b"files"}


def a_plan(name: str = "nightly", hour: str = "2", **fields: Any) -> BackupPlan:
    """A plan at that hour in Tokyo."""
    schedule = CrontabSchedule.objects.create(minute="0", hour=hour, timezone="Asia/Tokyo")
    return BackupPlan.objects.create(name=name, schedule=schedule, **fields)


def a_backup(status: str = STATUS.STORED, at: datetime | None = None, **fields: Any) -> Backup:
    """A row without files; where it is stored, it has been verified too unless told otherwise."""
    at, uid = at or now(), uuid4()
    done = status in (STATUS.STORED, STATUS.FAILED)
    row: dict[str, Any] = {
        "uid": uid,
        "name": name_of(at, uid),
        "status": status,
        "language": "en",
        "requested_at": at,
        "started_at": None if status == STATUS.WAITING else at,
        "snapshot_at": at if status == STATUS.STORED else None,
        "finished_at": at + timedelta(minutes=1) if done else None,
        "verified_at": at + timedelta(minutes=1) if status == STATUS.STORED else None,
        "claimed_at": None if done or status == STATUS.WAITING else now(),
    }
    return Backup.objects.create(**row | fields)


def name_of(at: datetime, uid: UUID) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}-{uid.hex[:8]}"


def with_files(backup: Backup, content: dict[str, bytes] | None = None) -> Path:
    """The backup's folder with these files, and their manifest."""
    content = CONTENT if content is None else content
    folder = places.folder(backup)
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    backup.manifest = manifest_of(backup, content)
    backup.bytes = sum(map(len, content.values()))
    backup.save(update_fields=["manifest", "bytes"])
    (folder / places.MANIFEST).write_text(json.dumps(backup.manifest))
    return folder


def manifest_of(backup: Backup, content: dict[str, bytes]) -> dict[str, Any]:
    """A manifest of format 1 of these files; the database of it has no table."""
    at = (backup.snapshot_at or now()).isoformat()
    parts = [
        manifest.part_with(name, [_file(path, content[path]) for path in content if name in path])
        for name in ("database", "uploads")
        if any(name in path for path in content)
    ]
    document: manifest.Manifest = {
        "format": manifest.FORMAT,
        "installation": str(Installation.objects.here().uid),
        "id": str(backup.uid),
        "name": backup.name,
        "started_at": at,
        "snapshot_at": at,
        "product": {"version": "1", "migrations": {}},
        "server": {
            "version": "16.1",
            "client": 16,
            "encoding": "UTF8",
            "locale": "C",
            "collations": {},
        },
        "tables": {},
        "parts": parts,
        "encryption": None,
        "left_out": [],
        "warnings": [],
    }
    return dict(manifest.checked(document))


def _file(path: str, data: bytes) -> manifest.File:
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
