"""Rows of the console as the API returns them; the OpenAPI components are made from these types."""

from datetime import datetime
from typing import Any, NotRequired, TypedDict, cast

from django.db.models import QuerySet

from opsconsole import models
from opsconsole.backups import summary
from opsconsole.models import BackupPlan as Plan
from pmscoring.base.api.representations import Links, MaybeMoment, Moment, Page, moment

BACKUPS, RESTORES = "/api/v1/ops/backups", "/api/v1/ops/restores"


class Event(TypedDict):
    """Who did what, when, from where, on which object, with what result: a link of a chain.

    `hash` is the SHA-256 of the other members, written as UTF-8 JSON with sorted keys and no white
    space; `previous` is the hash of the event before.
    """

    number: int
    at: Moment
    actor: str
    source: str
    address: str
    deed: str
    object_type: str
    object_id: str
    object_name: str
    result: str
    details: dict[str, Any]
    previous: str
    hash: str


class EventPage(Page):
    """Events, newest first."""

    results: list[Event]


class ChainVerdict(TypedDict):
    """Whether any event was changed, removed or moved, and which is the first such."""

    events: int
    intact: bool
    broken_at: int | None


class BackupPart(TypedDict):
    """A part of a backup; `rows` is how many the tables of a database have together."""

    name: str
    bytes: int
    sha256: str
    rows: NotRequired[int]


class BackupCopy(TypedDict):
    """A backup in one store, and why it is not there."""

    name: str
    state: str
    reason: str


class Backup(TypedDict):
    """A backup: `id` names it in every call; `progress` is a fraction from 0 to 1.

    `verified` is when it was last restored into a scratch database and compared, and
    `verify_seconds` how long that took. `parts` is empty until it is dumped.
    """

    id: str
    name: str
    plan: str | None
    origin: str
    state: str
    stage: str
    progress: float
    reason: str
    note: str
    held: bool
    encrypted: bool
    requested_by: str
    requested_at: Moment
    started_at: MaybeMoment
    snapshot_at: MaybeMoment
    finished_at: MaybeMoment
    seconds: float | None
    bytes: int | None
    verified: MaybeMoment
    verify_seconds: float | None
    removed_at: MaybeMoment
    parts: list[BackupPart]
    stores: list[BackupCopy]
    links: Links


class BackupPage(Page):
    """Backups, newest first."""

    results: list[Backup]


class VerificationCheck(TypedDict):
    """One of the things that were compared."""

    name: str
    ok: bool
    says: str


class Verification(TypedDict):
    """A look at a backup; not `complete` where only hashes were compared."""

    store: str
    started_at: Moment
    seconds: float | None
    restore_seconds: float | None
    ok: bool
    complete: bool
    checks: list[VerificationCheck]


class BackupDetail(Backup):
    """A backup with its verifications, newest first."""

    verifications: list[Verification]


class Restore(TypedDict):
    """A restore: `progress` is a fraction from 0 to 1, `report` what was found.

    `database` is the database that was made, `previous` the one whose place it took, which is kept
    until a person drops it.
    """

    id: str
    backup: str | None
    backup_name: str
    state: str
    stage: str
    progress: float
    reason: str
    parts: list[str]
    why: str
    safety: bool
    safety_backup: str | None
    requested_by: str
    requested_at: Moment
    started_at: MaybeMoment
    finished_at: MaybeMoment
    seconds: float | None
    database: str
    previous: str
    previous_dropped_at: MaybeMoment
    report: dict[str, Any]
    links: Links


class RestorePage(Page):
    """Restores, newest first."""

    results: list[Restore]


class KeptBackups(TypedDict):
    """How many verified backups of a plan are kept."""

    last: int
    daily: int
    weekly: int
    monthly: int


class BackupPlan(TypedDict):
    """What is backed up, when, where to, and how long it is kept.

    `schedule` is minute, hour, day of the month, month and day of the week, as cron has them, in
    the zone `timezone`. `newest_verified` is the snapshot's time of the newest verified backup.
    """

    id: int
    name: str
    enabled: bool
    schedule: str
    timezone: str
    parts: list[str]
    stores: list[str]
    encrypted: bool
    verify: bool
    keep: KeptBackups
    overdue_after_hours: int
    newest_verified: MaybeMoment
    last_started: Moment


class BackupPlanPage(Page):
    """Backup plans."""

    results: list[BackupPlan]


def event(row: models.Event) -> Event:
    return cast(Event, row.link())


def backups() -> "QuerySet[models.Backup]":
    """Backups with what their representation needs."""
    return models.Backup.objects.select_related("plan").prefetch_related("copies")


def backup(row: models.Backup) -> Backup:
    return {
        "id": str(row.uid),
        "name": row.name,
        "plan": row.plan.name if row.plan else None,
        "origin": row.origin,
        "state": row.status,
        "stage": row.stage,
        "progress": row.fraction,
        "reason": row.reason,
        "note": row.note,
        "held": row.held,
        "encrypted": row.is_encrypted,
        "requested_by": row.requested_by,
        "requested_at": moment(row.requested_at),
        "started_at": _moment(row.started_at),
        "snapshot_at": _moment(row.snapshot_at),
        "finished_at": _moment(row.finished_at),
        "seconds": row.seconds,
        "bytes": row.bytes,
        "verified": _moment(row.verified_at),
        "verify_seconds": row.verify_seconds,
        "removed_at": _moment(row.removed_at),
        "parts": cast(list[BackupPart], summary.parts(row)),
        "stores": [
            {"name": copy.store, "state": copy.status, "reason": copy.reason}
            for copy in row.copies.all()
        ],
        "links": {"self": f"{BACKUPS}/{row.uid}"},
    }


def backup_detail(row: models.Backup) -> BackupDetail:
    looks = [verification(look) for look in row.verifications.all()]
    return {**backup(row), "verifications": looks}


def verification(row: models.Verification) -> Verification:
    return {
        "store": row.store,
        "started_at": moment(row.started_at),
        "seconds": row.seconds,
        "restore_seconds": row.restore_seconds,
        "ok": row.ok,
        "complete": row.complete,
        "checks": row.checks,
    }


def restores() -> "QuerySet[models.Restore]":
    """Restores with what their representation needs."""
    return models.Restore.objects.select_related("backup", "safety_backup")


def restore(row: models.Restore) -> Restore:
    return {
        "id": str(row.uid),
        "backup": str(row.backup.uid) if row.backup else None,
        "backup_name": row.backup_name,
        "state": row.status,
        "stage": row.stage,
        "progress": row.fraction,
        "reason": row.reason,
        "parts": row.parts,
        "why": row.why,
        "safety": row.safety,
        "safety_backup": str(row.safety_backup.uid) if row.safety_backup else None,
        "requested_by": row.requested_by,
        "requested_at": moment(row.requested_at),
        "started_at": _moment(row.started_at),
        "finished_at": _moment(row.finished_at),
        "seconds": row.seconds,
        "database": row.database,
        "previous": row.previous,
        "previous_dropped_at": _moment(row.previous_dropped_at),
        "report": row.report,
        "links": {"self": f"{RESTORES}/{row.uid}"},
    }


def plan(row: Plan) -> BackupPlan:
    newest = models.Backup.objects.newest_verified(row)
    schedule = row.schedule
    return {
        "id": row.pk,
        "name": row.name,
        "enabled": row.enabled,
        "schedule": (
            f"{schedule.minute} {schedule.hour} {schedule.day_of_month}"
            f" {schedule.month_of_year} {schedule.day_of_week}"
        ),
        "timezone": str(schedule.timezone),
        "parts": row.parts,
        "stores": row.stores,
        "encrypted": bool(row.recipients.strip()),
        "verify": row.verify,
        "keep": {
            "last": row.keep_last,
            "daily": row.keep_daily,
            "weekly": row.keep_weekly,
            "monthly": row.keep_monthly,
        },
        "overdue_after_hours": row.most_hours,
        "newest_verified": _moment(newest.snapshot_at) if newest else None,
        "last_started": moment(row.started_at),
    }


def _moment(at: datetime | None) -> str | None:
    return moment(at) if at else None
