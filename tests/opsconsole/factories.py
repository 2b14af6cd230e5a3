"""Backups of the console, as rows and as folders with files."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.utils.timezone import now
from django_celery_beat.models import CrontabSchedule

from opsconsole.backups import places
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
    return {
        "format": 1,
        "id": str(backup.uid),
        "name": backup.name,
        "installation": str(Installation.objects.here().uid),
        "snapshot_at": backup.snapshot_at.isoformat() if backup.snapshot_at else None,
        "parts": [
            {
                "name": part,
                "bytes": sum(len(data) for name, data in content.items() if part in name),
                "sha256": "0" * 64,
                "files": [
                    {
                        "path": name,
                        "bytes": len(data),
                        "sha256": hashlib.sha256(data).hexdigest(),
                    }
                    for name, data in content.items()
                    if part in name
                ],
            }
            for part in ("database", "uploads")
        ],
    }
