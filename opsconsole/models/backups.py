"""Backup plans, backups, their copies in stores, and their verifications."""

from datetime import datetime, timedelta
from typing import Self
from uuid import uuid4

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule

from opsconsole.models.requested import RequestedJob
from pmscoring.base.jobs import JobQuerySet

PARTS = ("database", "uploads", "redis", "configuration")
DEFAULT_PARTS = ("database", "uploads", "configuration")
LOCAL = "local"
"""The store that every backup is made in: the folder BACKUP_DIR."""


def default_parts() -> list[str]:
    """All but Redis, whose loss loses nothing."""
    return list(DEFAULT_PARTS)


def default_stores() -> list[str]:
    """The backup folder alone."""
    return [LOCAL]


class BackupPlan(models.Model):
    """What is backed up, when, where to, and how long it is kept.

    A plan is due when its schedule has come since `started_at`, however long beat was away. It is
    overdue when its newest verified backup's snapshot is older than `most_hours`.
    """

    name = models.CharField(_("name"), max_length=50, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    schedule = models.ForeignKey(CrontabSchedule, models.PROTECT, verbose_name=_("schedule"))
    parts = models.JSONField(_("parts"), default=default_parts)
    stores = models.JSONField(_("stores"), default=default_stores)
    recipients = models.TextField(
        _("age recipients"),
        blank=True,
        help_text=_("Public keys, one a line. Without any, the backup is not encrypted."),
    )
    verify = models.BooleanField(_("verify every backup"), default=True)
    keep_last = models.PositiveSmallIntegerField(
        _("keep the last"), default=3, validators=[MinValueValidator(1)]
    )
    keep_daily = models.PositiveSmallIntegerField(_("keep daily"), default=7)
    keep_weekly = models.PositiveSmallIntegerField(_("keep weekly"), default=4)
    keep_monthly = models.PositiveSmallIntegerField(_("keep monthly"), default=6)
    most_hours = models.PositiveSmallIntegerField(
        _("overdue after (hours)"), default=36, validators=[MinValueValidator(1)]
    )
    successes = models.BooleanField(_("notify of successes"), default=False)
    started_at = models.DateTimeField(_("last started"), default=now, editable=False)
    overdue_told_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("backup plan")
        verbose_name_plural = _("backup plans")

    def __str__(self) -> str:
        return self.name


class BackupQuerySet(JobQuerySet["Backup"]):
    """Backups by what they are good for."""

    def kept(self) -> Self:
        """Those whose files are all still there."""
        return self.filter(removing_at=None)

    def good(self) -> Self:
        """Complete in every store that was asked for, and still there."""
        return self.kept().filter(status=Backup.Status.STORED)

    def verified(self) -> Self:
        """Good ones that were restored into a scratch database and compared."""
        return self.good().exclude(verified_at=None)

    def under_way(self) -> Self:
        """A worker has them."""
        return self.filter(status__in=Backup.working_states())

    def newest_verified(self, plan: BackupPlan | None = None) -> "Backup | None":
        """By the time of the snapshot."""
        rows = self.verified() if plan is None else self.verified().filter(plan=plan)
        return rows.order_by("snapshot_at").last()


class Backup(RequestedJob):
    """A folder in BACKUP_DIR with a manifest and the parts; each state is written after its fact.

    `manifest` is a copy of manifest.json as it was when the backup was made. From `removing_at` on
    its files may be gone in part: it is used no more, and retention goes on until `removed_at`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DUMPED = "dumped", _("dumped")
        VERIFIED = "verified", _("verified")
        STORED = "stored", _("stored")
        FAILED = "failed", _("failed")

    class Origin(models.TextChoices):
        MADE = "made", _("made here")
        SAFETY = "safety", _("made before a restore")
        UPLOADED = "uploaded", _("uploaded")
        FOUND = "found", _("found in a store")

    WORKING, DONE, FAILED = Status.RUNNING, Status.STORED, Status.FAILED
    STEPS = (Status.DUMPED, Status.VERIFIED)
    BROKE_OFF = _("the backup broke off %d times")
    FLOW = {
        "waiting": ("running", "failed"),
        "running": ("dumped", "failed", "waiting"),
        "dumped": ("verified", "stored", "failed", "waiting"),
        "verified": ("stored", "failed", "waiting"),
        "failed": ("stored",),  # Verified, and copied at last to the store that had lacked it.
    }

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=64, unique=True)
    plan = models.ForeignKey(
        BackupPlan,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="backups",
        verbose_name=_("plan"),
    )
    origin = models.CharField(_("origin"), max_length=10, choices=Origin, default=Origin.MADE)
    status = models.CharField(
        _("status"), max_length=10, choices=Status, default=Status.WAITING, db_index=True
    )
    parts = models.JSONField(_("parts"), default=default_parts)
    stores = models.JSONField(_("stores"), default=default_stores)
    recipients = models.TextField(_("age recipients"), blank=True)
    verify = models.BooleanField(_("verify"), default=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    held = models.BooleanField(_("held"), default=False)
    snapshot_at = models.DateTimeField(_("snapshot"), null=True, blank=True, db_index=True)
    bytes = models.PositiveBigIntegerField(_("size"), null=True, blank=True)
    manifest = models.JSONField(_("manifest"), default=dict, blank=True)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    verify_seconds = models.FloatField(_("recovery time in seconds"), null=True, blank=True)
    removing_at = models.DateTimeField(_("removal began"), null=True, blank=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = BackupQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        verbose_name = _("backup")
        verbose_name_plural = _("backups")

    def __str__(self) -> str:
        return self.name

    @property
    def is_encrypted(self) -> bool:
        """Whether an identity is needed to read it."""
        return bool(self.recipients.strip())

    def age(self, at: datetime | None = None) -> timedelta | None:
        """How old the data in it are; None while it has no snapshot."""
        return (at or now()) - self.snapshot_at if self.snapshot_at else None


class BackupCopy(models.Model):
    """A backup in one store; good only after it was read back and its hashes were equal.

    A store whose credentials may not delete, or that locks objects, keeps what retention removes.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        STORED = "stored", _("stored")
        FAILED = "failed", _("failed")
        KEPT = "kept", _("kept by the store")
        REMOVED = "removed", _("removed")

    backup = models.ForeignKey(
        Backup, models.CASCADE, related_name="copies", verbose_name=_("backup")
    )
    store = models.CharField(_("store"), max_length=32)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.WAITING)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)

    class Meta:
        ordering = ["store"]
        verbose_name = _("copy")
        verbose_name_plural = _("copies")
        constraints = [
            models.UniqueConstraint(fields=["backup", "store"], name="one_copy_for_each_store")
        ]

    def __str__(self) -> str:
        return f"{self.backup} · {self.store}"


class Verification(models.Model):
    """One look at a backup: its hashes, and, where it could be read, a restore that was compared.

    `complete` is false where only hashes were checked. `checks` is a list of {name, ok, says}.
    """

    backup = models.ForeignKey(
        Backup, models.CASCADE, related_name="verifications", verbose_name=_("backup")
    )
    store = models.CharField(_("store"), max_length=32, default=LOCAL)
    started_at = models.DateTimeField(_("started"), default=now)
    seconds = models.FloatField(_("seconds"), null=True)
    restore_seconds = models.FloatField(_("recovery time in seconds"), null=True, blank=True)
    ok = models.BooleanField(_("good"))
    complete = models.BooleanField(_("restored and compared"))
    checks = models.JSONField(_("checks"), default=list)

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")

    def __str__(self) -> str:
        return f"{self.backup} {self.started_at:%Y-%m-%d %H:%M}"
