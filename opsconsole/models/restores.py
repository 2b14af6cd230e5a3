"""Restores: a backup read into a new database, which takes the live one's place."""

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from opsconsole.models.backups import Backup
from opsconsole.models.requested import RequestedJob
from pmscoring.base.jobs import JobQuerySet


class Restore(RequestedJob):
    """A request to restore, its states, and what came of it.

    `database` is the name of the database that was made, `previous` that of the one whose place it
    took, which is kept until a person drops it. `report` has the counts that console.md names.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", _("requested")
        SAFETY_BACKUP = "safety_backup", _("safety backup")
        RESTORING = "restoring", _("restoring")
        CHECKING = "checking", _("checking")
        SWAPPING = "swapping", _("swapping")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        UNDONE = "undone", _("undone")

    WAITING, WORKING = Status.REQUESTED, Status.SAFETY_BACKUP
    STEPS = (Status.RESTORING, Status.CHECKING, Status.SWAPPING)
    DONE, FAILED = Status.DONE, Status.FAILED
    MOST_TRIES = 1  # What it had begun is undone, and a person decides anew.
    BROKE_OFF = _("the restore broke off, and was undone")
    FLOW = {
        "requested": ("safety_backup", "failed"),
        "safety_backup": ("restoring", "failed", "requested"),
        "restoring": ("checking", "failed", "requested"),
        "checking": ("swapping", "failed", "requested"),
        "swapping": ("done", "failed", "undone", "requested"),
        "failed": ("undone",),
    }

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    backup = models.ForeignKey(
        Backup,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="restores",
        verbose_name=_("backup"),
    )
    backup_name = models.CharField(_("name of the backup"), max_length=255)
    status = models.CharField(
        _("status"), max_length=15, choices=Status, default=Status.REQUESTED, db_index=True
    )
    parts = models.JSONField(_("parts"), default=list)
    why = models.CharField(_("reason for it"), max_length=200, blank=True)
    safety = models.BooleanField(_("safety backup first"), default=True)
    safety_backup = models.ForeignKey(
        Backup,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("safety backup"),
    )
    database = models.CharField(_("database"), max_length=63, blank=True)
    previous = models.CharField(_("previous database"), max_length=63, blank=True)
    previous_dropped_at = models.DateTimeField(_("previous dropped"), null=True, blank=True)
    report = models.JSONField(_("report"), default=dict, blank=True)

    objects = JobQuerySet["Restore"].as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        verbose_name = _("restore")
        verbose_name_plural = _("restores")

    def __str__(self) -> str:
        return f"{self.backup_name} ({self.get_status_display()})"
