"""Releases, and the deployments that bring them into an environment or take them back."""

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.backups import Backup
from opsconsole.models.environments import Environment
from opsconsole.models.requested import RequestedJob
from pmscoring.base.jobs import LONGEST_REASON, JobQuerySet

DEADLINES = {
    "requested": timedelta(hours=24),
    "preparing": timedelta(minutes=30),
    "backing_up": timedelta(hours=2),
    "migrating": timedelta(minutes=30),
    "rolling": timedelta(minutes=30),
    "soaking": timedelta(minutes=30),
    "rolling_back": timedelta(minutes=30),
}
"""How long a deployment may stay in each state; others wait for one that is requested."""


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Releases by what became of them."""

    def ran(self) -> Self:
        """Those that were live, or found running; not what was prepared and never came so far."""
        brought = Deployment.objects.filter(to_release=OuterRef("pk"))
        replaced = Deployment.objects.filter(from_release=OuterRef("pk"))
        return self.filter(
            ~Exists(brought)
            | Exists(brought.filter(status=Deployment.Status.LIVE))
            | Exists(replaced)
            | Q(environment__release=F("pk"))
        )


class Release(models.Model):
    """What runs or ran in an environment; a row never changes.

    `images` is by service: {reference, digest, repo_digest}. `files` are the SHA-256 of the Compose
    files by name, `secrets` fingerprints by name, `migrations` the lists by app.
    """

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    environment = models.ForeignKey(
        Environment, models.CASCADE, related_name="releases", verbose_name=_("environment")
    )
    version = models.CharField(_("version"), max_length=128)
    images = models.JSONField(_("images"), default=dict)
    files = models.JSONField(_("Compose files"), default=dict)
    variables = models.JSONField(_("variables"), default=dict)
    secrets = models.JSONField(_("fingerprints of secrets"), default=dict)
    migrations = models.JSONField(_("migrations"), default=dict)
    created_at = models.DateTimeField(_("recorded"), default=now)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("release")
        verbose_name_plural = _("releases")

    def __str__(self) -> str:
        return f"{self.version} ({str(self.uid)[:8]})"

    def save(self, *args: Any, **options: Any) -> None:
        """Only once: what ran is not changed afterwards."""
        if not self._state.adding:
            raise TypeError("a release is never changed")
        super().save(*args, **options)


class DeploymentQuerySet(JobQuerySet["Deployment"]):
    """Deployments by what is to be done with them."""

    def waiting(self) -> Self:
        """To be taken up by a worker: asked for, and approved where that is wanted."""
        return super().waiting().exclude(needs_approval=True, approved_at=None)

    def unapproved(self) -> Self:
        """Those that wait for somebody to approve them."""
        return self.filter(status=self.model.WAITING, needs_approval=True, approved_at=None)

    def expired(self, at: datetime | None = None) -> Self:
        """Those that nobody approved, or took up, in time."""
        limit = (at or now()) - DEADLINES["requested"]
        return self.filter(status=self.model.WAITING, requested_at__lt=limit)

    def driven(self) -> Self:
        """Those that have begun and not ended."""
        return self.filter(status__in=self.model.working_states())


class Deployment(RequestedJob):
    """A release on its way into an environment, one at a time for each.

    `steps` is a list of {name, state, seconds, says}. `source` says where images come from:
    a registry, a bundle (`bundle` is its name in BUNDLES_DIR), what is on the engine, or an earlier
    release. `migrations` is what the new version's mean to this database, and whether they were
    applied (deployments/migrations.py).
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", _("requested")
        PREPARING = "preparing", _("preparing")
        BACKING_UP = "backing_up", _("backing up")
        MIGRATING = "migrating", _("migrating")
        ROLLING = "rolling", _("rolling out")
        SOAKING = "soaking", _("soaking")
        LIVE = "live", _("live")
        ROLLING_BACK = "rolling_back", _("rolling back")
        ROLLED_BACK = "rolled_back", _("rolled back")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Source(models.TextChoices):
        REGISTRY = "registry", _("registry")
        BUNDLE = "bundle", _("bundle")
        ENGINE = "engine", _("images on the engine")
        RELEASE = "release", _("earlier release")

    WAITING, WORKING = Status.REQUESTED, Status.PREPARING
    STEPS = (
        Status.BACKING_UP,
        Status.MIGRATING,
        Status.ROLLING,
        Status.SOAKING,
        Status.ROLLING_BACK,
    )
    DONE, FAILED = Status.LIVE, Status.FAILED
    ENDS = (Status.LIVE, Status.ROLLED_BACK, Status.FAILED, Status.CANCELLED)
    FLOW = {
        "requested": ("preparing", "failed", "cancelled"),
        "preparing": ("backing_up", "failed", "cancelled"),
        "backing_up": ("migrating", "failed", "cancelled"),
        "migrating": ("rolling", "rolling_back", "failed", "cancelled"),
        "rolling": ("soaking", "rolling_back", "failed"),
        "soaking": ("live", "rolling_back", "failed"),
        "rolling_back": ("rolled_back", "failed"),
    }

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    environment = models.ForeignKey(
        Environment, models.CASCADE, related_name="deployments", verbose_name=_("environment")
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.REQUESTED, db_index=True
    )
    version = models.CharField(_("version"), max_length=128, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=Source, default=Source.REGISTRY)
    bundle = models.CharField(_("bundle"), max_length=500, blank=True)
    from_release = models.ForeignKey(
        Release, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("from")
    )
    to_release = models.ForeignKey(
        Release,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="deployments",
        verbose_name=_("to"),
    )
    backup = models.ForeignKey(
        Backup, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("backup")
    )
    maintenance = models.BooleanField(_("behind the maintenance page"), default=False)
    why = models.CharField(_("reason for it"), max_length=200, blank=True)
    needs_approval = models.BooleanField(_("needs approval"), default=False)
    approved_by = models.CharField(_("approved by"), max_length=150, blank=True)
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    cancelled_by = models.CharField(_("cancelled by"), max_length=150, blank=True)
    cancel_at = models.DateTimeField(_("cancel requested"), null=True, blank=True)
    driver = models.CharField(_("driver"), max_length=100, blank=True)
    since = models.DateTimeField(_("in this state since"), null=True, blank=True)
    migrations = models.JSONField(_("migrations"), default=dict, blank=True)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    verdict = models.JSONField(_("verdict of the soak"), default=dict, blank=True)
    failed_requests = models.PositiveIntegerField(_("failed requests"), null=True, blank=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=~Q(status__in=["live", "rolled_back", "failed", "cancelled"]),
                name="one_deployment_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment.code}: {self.version} ({self.get_status_display()})"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.status in self.ENDS

    def is_overdue(self, at: datetime | None = None) -> bool:
        """Whether it has been in its state for longer than it may."""
        limit = DEADLINES.get(self.status)
        return bool(limit and self.since and self.since < (at or now()) - limit)

    def finish(self, **changes: Any) -> None:
        """Live; WrongState where somebody asked meanwhile to cancel it, or another one drives it.

        The cancel and this are each one UPDATE of the row: whichever is first, the other one sees.
        """
        changes |= {"reason": "", **self.at_end()}
        if not self._mine().filter(cancel_at=None).update(status=self.DONE, **changes):
            raise self._lost()
        self.refresh_from_db(fields=["status", *changes])

    def end(self, status: str, reason: str, **changes: Any) -> None:
        """Rolled back, cancelled or failed; WrongState where another one drives it."""
        self._end(status, reason=reason[:LONGEST_REASON], **changes)
