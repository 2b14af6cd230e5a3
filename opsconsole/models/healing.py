"""Heals: a replica that was seen sick, what was done about it, and what came of it."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from opsconsole.models.environments import Environment

KEPT = timedelta(days=90)


class HealQuerySet(models.QuerySet["Heal"]):
    """Heals by how far they are."""

    def open(self) -> Self:
        """Those whose replica is not yet well, and not gone."""
        return self.filter(ended_at=None)

    def old(self, at: datetime | None = None) -> Self:
        """Those that ended so long ago that they are no longer kept."""
        return self.filter(ended_at__lt=(at or now()) - KEPT)


class Heal(models.Model):
    """One sickness of one replica, from the first look that saw it to its end.

    `seen` has the check's and the engine's own words. `restarts` is the engine's count of restarts
    at the first look. A replica has one open heal at a time.
    """

    class Sickness(models.TextChoices):
        UNHEALTHY = "unhealthy", _("unhealthy")
        CRASHING = "crashing", _("restarted by the engine again and again")

    class Did(models.TextChoices):
        WATCHED = "watched", _("watched")
        RESTARTING = "restarting", _("being restarted")
        RESTARTED = "restarted", _("restarted")
        GAVE_UP = "gave_up", _("given up")

    class Outcome(models.TextChoices):
        OPEN = "open", _("not yet known")
        RECOVERED = "recovered", _("healthy again")
        FAILED = "failed", _("still sick")
        GIVEN_UP = "given_up", _("left to a person")
        GONE = "gone", _("stopped or removed by others")

    environment = models.ForeignKey(
        Environment, models.CASCADE, related_name="heals", verbose_name=_("environment")
    )
    service = models.CharField(_("service"), max_length=100)
    replica = models.CharField(_("replica"), max_length=100)
    name = models.CharField(_("name of the replica"), max_length=200)
    sickness = models.CharField(_("sickness"), max_length=10, choices=Sickness)
    seen = models.CharField(_("what was seen"), max_length=500, blank=True)
    restarts = models.PositiveIntegerField(_("restarts by the engine"), default=0)
    did = models.CharField(_("what was done"), max_length=10, choices=Did, default=Did.WATCHED)
    did_at = models.DateTimeField(_("when it was done"), null=True, blank=True)
    outcome = models.CharField(
        _("what came of it"), max_length=10, choices=Outcome, default=Outcome.OPEN
    )
    at = models.DateTimeField(_("first seen"), default=now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, db_index=True)

    objects = HealQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("heal")
        verbose_name_plural = _("heals")
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "name"],
                condition=Q(ended_at=None),
                name="one_open_heal_for_each_replica",
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment.code}: {self.name} ({self.get_did_display()})"
