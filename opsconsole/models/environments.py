"""Environments, what was seen of them last, and operations on their services."""

from datetime import datetime, timedelta
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.requested import RequestedJob
from pmscoring.base import zones
from pmscoring.base.jobs import JobQuerySet

FRESH = timedelta(seconds=60)
"""What was seen longer ago is not known any more."""
CODE = RegexValidator(r"^[a-z][a-z0-9-]{0,29}$", _("small letters, digits and hyphens"))


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    """Environments by where they are."""

    def kept(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)

    def laid_out(self) -> Self:
        """Those that run."""
        return self.kept().exclude(laid_out_at=None)

    def here(self) -> "Environment":
        """The one that this process belongs to; raises DoesNotExist before its first start."""
        return self.get(is_here=True)


class Environment(models.Model):
    """A running copy of the product on an engine, or one that is to be laid out.

    `seen` is what the ops worker saw at `seen_at`: {services: [...]} as `environments status`
    prints it, with `usage` and `happenings`; `trouble` is why it could not look.
    """

    class Kind(models.TextChoices):
        DEVELOPMENT = "development", _("development")
        STAGING = "staging", _("staging")
        PRODUCTION = "production", _("production")

    class Engine(models.TextChoices):
        EMBEDDED = "embedded", _("embedded")
        COMPOSE = "compose", _("Docker Compose")
        SWARM = "swarm", _("Docker Swarm")

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    code = models.CharField(_("code"), max_length=30, unique=True, validators=[CODE])
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    engine = models.CharField(_("engine"), max_length=10, choices=Engine)
    is_here = models.BooleanField(_("this installation"), default=False, editable=False)
    overlays = models.JSONField(_("overlays"), default=list, blank=True)
    project = models.CharField(_("project"), max_length=60, blank=True)
    subnet_prefix = models.CharField(
        _("first two numbers of its networks"), max_length=7, blank=True
    )
    ports = models.JSONField(_("ports"), default=dict, blank=True)
    base_url = models.URLField(_("address"), blank=True)
    variables = models.JSONField(_("variables"), default=dict, blank=True)
    protected = models.BooleanField(_("protected"), default=False)
    release = models.ForeignKey(
        "Release",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("release"),
    )
    seen = models.JSONField(_("what was seen"), default=dict, editable=False)
    seen_at = models.DateTimeField(_("seen"), null=True, editable=False)
    trouble = models.CharField(_("trouble"), max_length=500, blank=True, editable=False)
    healer_at = models.DateTimeField(_("last look of the healer"), null=True, editable=False)
    added_at = models.DateTimeField(_("added"), default=now, editable=False)
    laid_out_at = models.DateTimeField(_("laid out"), null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True, editable=False)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["-is_here", "code"]
        verbose_name = _("environment")
        verbose_name_plural = _("environments")
        constraints = [
            models.UniqueConstraint(
                fields=["is_here"], condition=Q(is_here=True), name="only_one_environment_here"
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(removed_at=None) & ~Q(project=""),
                name="projects_of_environments_differ",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def is_known(self, at: datetime | None = None) -> bool:
        """Whether it was seen of late."""
        return self.seen_at is not None and self.seen_at >= (at or now()) - FRESH


class Operation(RequestedJob):
    """Something that the ops worker does to an environment at once.

    `target` is a service or the id of a replica. `output` is bounded; its beginning is cut off.
    """

    class Kind(models.TextChoices):
        RESTART = "restart", _("restart")
        SCALE = "scale", _("scale")
        RUN = "run", _("run a command")
        LOGS = "logs", _("read logs")
        PLAN = "plan", _("plan a deployment")
        PRUNE = "prune", _("remove old images")
        REMOVE = "remove", _("remove the environment")
        ROTATE = "rotate", _("rotate a secret")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    WORKING, DONE, FAILED = Status.RUNNING, Status.DONE, Status.FAILED
    MOST_TRIES = 1  # Nobody knows how far a killed one came; a person looks and asks again.
    FLOW = {"waiting": ("running", "failed"), "running": ("done", "failed", "waiting")}

    uid = models.UUIDField(_("id"), default=uuid4, unique=True, editable=False)
    environment = models.ForeignKey(
        Environment, models.CASCADE, related_name="operations", verbose_name=_("environment")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    status = models.CharField(
        _("status"), max_length=10, choices=Status, default=Status.WAITING, db_index=True
    )
    target = models.CharField(_("on"), max_length=100, blank=True)
    arguments = models.JSONField(_("arguments"), default=dict, blank=True)
    why = models.CharField(_("reason for it"), max_length=200, blank=True)
    output = models.TextField(_("output"), blank=True)
    exit_code = models.IntegerField(_("exit status"), null=True, blank=True)

    objects = JobQuerySet["Operation"].as_manager()

    class Meta:
        ordering = ["-requested_at", "-pk"]
        verbose_name = _("operation")
        verbose_name_plural = _("operations")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on}".strip()

    @property
    def on(self) -> str:
        """What it is done to, as people call it: a replica by its name, where that was seen."""
        return str(self.arguments.get("name") or self.target)


class ExamWindow(models.Model):
    """An interval in which an exam is marked: nothing is deployed, restored or pruned unasked.

    `zone` is the one in which its times were given, and are shown; empty: that of the installation.
    `exam` is the code of the exam for whose own dates it was made, where it was; it moves with them
    as long as it `follows` them.
    """

    name = models.CharField(_("name"), max_length=80)
    # The defaults are the database's too: versions that do not know these go on adding windows.
    zone = models.CharField(
        _("time zone"),
        max_length=60,
        blank=True,
        default="",
        db_default="",
        validators=[zones.check],
    )
    exam = models.CharField(_("exam"), max_length=32, blank=True, default="", db_default="")
    follows = models.BooleanField(
        _("follows the exam's own dates"), default=False, db_default=False
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    floors = models.JSONField(_("least replicas by service"), default=dict, blank=True)

    objects = models.Manager["ExamWindow"]()

    class Meta:
        ordering = ["-starts_at"]
        verbose_name = _("exam window")
        verbose_name_plural = _("exam windows")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")),
                name="windows_end_after_they_start",
                violation_error_message=_("The end must be later than the start."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError, at the field, where the rows would contradict themselves."""
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("The end must be later than the start.")})
        if self.follows and not self.exam:
            raise ValidationError({"follows": _("The window was made for no exam.")})

    def local(self, at: datetime) -> datetime:
        """The moment as clocks of the window's zone show it."""
        return at.astimezone(zones.zone(self.zone or settings.TIME_ZONE))
