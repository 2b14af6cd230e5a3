"""Examples of what calls take and return, for the OpenAPI document."""

from typing import Any

DUMPED = "2026-11-29T02:00:03.114000+09:00"
BACKUP_ID = "5f0c1a9e-7d1b-4a53-9c3e-0b8f6f2f3a11"
RESTORE_ID = "9b1f7c52-3a6f-4f0d-8a57-2f4c0d9a7e21"
NAME = "20261128T170002Z-5f0c1a9e"
EVENT: dict[str, Any] = {
    "number": 812,
    "at": "2026-11-28T17:00:02.004331+00:00",
    "actor": "sato",
    "source": "admin",
    "address": "192.0.2.7",
    "deed": "backup.requested",
    "object_type": "backup",
    "object_id": "44",
    "object_name": NAME,
    "result": "ok",
    "details": {"plan": "daily"},
    "previous": "0c3f" * 16,
    "hash": "9ab1" * 16,
}
EVENT_PAGE = {"next": None, "previous": None, "results": [EVENT]}
PLAN: dict[str, Any] = {
    "id": 1,
    "name": "daily",
    "enabled": True,
    "schedule": "0 2 * * *",
    "timezone": "Asia/Tokyo",
    "parts": ["database", "uploads", "configuration"],
    "stores": ["local"],
    "encrypted": False,
    "verify": True,
    "keep": {"last": 3, "daily": 7, "weekly": 4, "monthly": 6},
    "overdue_after_hours": 36,
    "newest_verified": DUMPED,
    "last_started": "2026-11-29T02:00:00+09:00",
}
PLAN_PAGE = {"next": None, "previous": None, "results": [PLAN]}
REQUESTED_BACKUP: dict[str, Any] = {
    "id": BACKUP_ID,
    "name": NAME,
    "plan": None,
    "origin": "made",
    "state": "waiting",
    "stage": "",
    "progress": 0.0,
    "reason": "",
    "note": "before the exam",
    "held": False,
    "encrypted": False,
    "requested_by": "sato",
    "requested_at": "2026-11-29T02:00:02+09:00",
    "started_at": None,
    "snapshot_at": None,
    "finished_at": None,
    "seconds": None,
    "bytes": None,
    "verified": None,
    "verify_seconds": None,
    "removed_at": None,
    "parts": [],
    "stores": [],
    "links": {"self": f"/api/v1/ops/backups/{BACKUP_ID}"},
}
BACKUP = {
    **REQUESTED_BACKUP,
    "state": "stored",
    "progress": 1.0,
    "started_at": "2026-11-29T02:00:02.500000+09:00",
    "snapshot_at": DUMPED,
    "finished_at": "2026-11-29T02:01:10+09:00",
    "seconds": 67.5,
    "bytes": 184233011,
    "verified": "2026-11-29T02:01:05+09:00",
    "verify_seconds": 31.2,
    "parts": [{"name": "database", "bytes": 184233011, "sha256": "77e0" * 16, "rows": 1204332}],
    "stores": [{"name": "local", "state": "stored", "reason": ""}],
}
VERIFICATION = {
    "store": "local",
    "started_at": "2026-11-29T02:00:30+09:00",
    "seconds": 35.0,
    "restore_seconds": 31.2,
    "ok": True,
    "complete": True,
    "checks": [{"name": "rows", "ok": True, "says": "1204332 rows in 41 tables"}],
}
BACKUP_DETAIL = {**BACKUP, "verifications": [VERIFICATION]}
BACKUP_PAGE = {"next": None, "previous": None, "results": [BACKUP]}
WANTED_BACKUP = {"note": "before the exam", "stores": ["local", "offsite"]}
RESTORE: dict[str, Any] = {
    "id": RESTORE_ID,
    "backup": BACKUP_ID,
    "backup_name": NAME,
    "state": "requested",
    "stage": "",
    "progress": 0.0,
    "reason": "",
    "parts": ["database", "uploads"],
    "why": "",
    "safety": True,
    "safety_backup": None,
    "requested_by": "sato",
    "requested_at": "2026-11-29T09:12:00+09:00",
    "started_at": None,
    "finished_at": None,
    "seconds": None,
    "database": "",
    "previous": "",
    "previous_dropped_at": None,
    "report": {},
    "links": {"self": f"/api/v1/ops/restores/{RESTORE_ID}"},
}
RESTORE_PAGE = {"next": None, "previous": None, "results": [RESTORE]}
WANTED_RESTORE = {"backup": BACKUP_ID, "confirm": NAME}
