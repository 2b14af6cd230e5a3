"""Scaling policies, samples of what their services did, and the decisions that followed."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsconsole.models.environments import Environment

KEPT = timedelta(days=14)
"""How long every sample and every decision is kept."""
KEPT_HOURLY = timedelta(days=400)
"""How long the samples of whole hours are kept, and the decisions that changed something."""


class ScalingPolicyQuerySet(models.QuerySet["ScalingPolicy"]):
    """Policies by what is to be done with them."""

    def at_work(self) -> Self:
        """Those whose environment runs."""
        return self.filter(environment__in=Environment.objects.laid_out())

    def paused(self, at: datetime | None = None) -> Self:
        """Those whose pause has not run out."""
        return self.filter(paused_until__gt=at or now())


class ScalingPolicy(models.Model):
    """How many replicas a service has, within which bounds, and by what they are decided.

    `metrics` is a list of {kind, target, basis, query?, fallback?: {after, replicas}}; a rate is
    {unit, value, seconds}, both as opsconsole.scaling.shapes has them. Times are in seconds.
    """

    class Behaviour(models.TextChoices):
        BEHAVIOR = "behavior", _("windows and rates in both directions")
        PLAIN = "plain", _("at most twice as many at once, down after a window")

    environment = models.ForeignKey(
        Environment,
        models.CASCADE,
        related_name="scaling_policies",
        verbose_name=_("environment"),
    )
    service = models.CharField(_("service"), max_length=100)
    dry_run = models.BooleanField(_("only says what it would do"), default=True)
    least = models.PositiveSmallIntegerField(
        _("least replicas"), default=1, validators=[MinValueValidator(1)]
    )
    most = models.PositiveSmallIntegerField(
        _("most replicas"), default=4, validators=[MinValueValidator(1)]
    )
    metrics = models.JSONField(_("metrics"), default=list)
    tolerance = models.FloatField(
        _("tolerance"), default=0.1, validators=[MinValueValidator(0.0), MaxValueValidator(0.9)]
    )
    behaviour = models.CharField(
        _("form"), max_length=8, choices=Behaviour, default=Behaviour.BEHAVIOR
    )
    up_window = models.PositiveIntegerField(_("window upwards (seconds)"), default=0)
    down_window = models.PositiveIntegerField(_("window downwards (seconds)"), default=300)
    up_rates = models.JSONField(_("rates upwards"), default=list)
    down_rates = models.JSONField(_("rates downwards"), default=list)
    warm_up = models.PositiveIntegerField(_("warm-up (seconds)"), default=30)
    cooldown = models.PositiveIntegerField(
        _("cooldown after deployments and changes by hand (seconds)"), default=60
    )
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True, editable=False)
    paused_why = models.CharField(_("paused because"), max_length=200, blank=True, editable=False)
    pause_told = models.BooleanField(default=False, editable=False)
    startup_seconds = models.FloatField(
        _("measured start-up time of a replica (seconds)"), null=True, blank=True, editable=False
    )
    startups = models.JSONField(_("last start-up times (seconds)"), default=list, editable=False)
    decided_at = models.DateTimeField(_("last decision"), null=True, blank=True, editable=False)
    held_since = models.DateTimeField(_("holds since"), null=True, blank=True, editable=False)
    hold_told = models.BooleanField(default=False, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = ScalingPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-environment__is_here", "environment__code", "service"]
        verbose_name = _("scaling policy")
        verbose_name_plural = _("scaling policies")
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "service"],
                name="one_policy_for_each_service",
                violation_error_message=_("This service has a policy already."),
            ),
            models.CheckConstraint(
                condition=Q(least__gte=1) & Q(most__gte=F("least")),
                name="policies_want_1_to_most",
                violation_error_message=_("The most must not be less than the least."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.environment.code} {self.service}"

    def is_paused(self, at: datetime | None = None) -> bool:
        """Whether somebody has paused it, and the pause has not run out."""
        return self.paused_until is not None and self.paused_until > (at or now())


class ScalingSampleQuerySet(models.QuerySet["ScalingSample"]):
    """Samples by service and time."""

    def between(self, start: datetime, end: datetime) -> Self:
        """Of the interval without its end, the oldest first."""
        return self.filter(at__gte=start, at__lt=end).order_by("at")

    def full(self) -> Self:
        """Those of one moment, not of an hour."""
        return self.filter(hours=False)


class ScalingSample(models.Model):
    """What was seen of a service: `content` as opsconsole.scaling.recorded writes a Sample.

    Of an hour that is long past, one row with `hours` has the means and the highest values.
    """

    environment = models.ForeignKey(
        Environment,
        models.CASCADE,
        related_name="scaling_samples",
        verbose_name=_("environment"),
    )
    service = models.CharField(_("service"), max_length=100)
    at = models.DateTimeField(_("at"), default=now)
    hours = models.BooleanField(_("of a whole hour"), default=False)
    content = models.JSONField(_("content"), default=dict)

    objects = ScalingSampleQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        verbose_name = _("sample of a service")
        verbose_name_plural = _("samples of services")
        indexes = [models.Index(fields=["environment", "service", "at"], name="samples_by_service")]

    def __str__(self) -> str:
        return f"{self.environment.code} {self.service} {self.at:%Y-%m-%d %H:%M:%S}"


class ScalingDecisionQuerySet(models.QuerySet["ScalingDecision"]):
    """Decisions by what followed."""

    def between(self, start: datetime, end: datetime) -> Self:
        """Of the interval without its end, the oldest first."""
        return self.filter(at__gte=start, at__lt=end).order_by("at")

    def changing(self) -> Self:
        """Those that change the number of replicas, or would."""
        actions = (ScalingDecision.Action.UP, ScalingDecision.Action.DOWN)
        return self.filter(action__in=actions)

    def doing(self) -> Self:
        """Those of which it is not yet seen what came of them."""
        return self.filter(outcome=ScalingDecision.Outcome.DOING)

    def to_carry_out(self) -> Self:
        """Those that the engine has not done yet."""
        return self.doing().filter(acted_at=None).select_related("policy__environment")


class ScalingDecision(models.Model):
    """What a policy has decided at one time, from what, and what came of it.

    `inputs` and `clamps` are those of opsconsole.scaling.shapes.Decision, as documents; words are
    made of them when they are read. A change is `doing` until it is seen what came of it. Whoever
    carries it out writes `begun_at`, and `acted_at` when the engine has done it; `came` is how many
    replicas ran and were ready in the end, at `came_at`.
    """

    class Action(models.TextChoices):
        UP = "up", _("more replicas")
        DOWN = "down", _("fewer replicas")
        STAY = "stay", _("no change")
        HOLD = "hold", pgettext_lazy("scaling", "held")

    class Outcome(models.TextChoices):
        NONE = "", _("nothing to do")
        DRY_RUN = "dry_run", _("not done: dry run")
        PAUSED = "paused", _("not done: paused")
        BUSY = "busy", _("not done: the change before is still under way")
        CHANGED = "changed", _("not done: somebody changed the number meanwhile")
        LATE = "late", _("not done: nobody took it up in time")
        DOING = "doing", _("being done")
        DONE = "done", _("done")
        SHORT = "short", _("fewer became ready than were asked for")
        FAILED = "failed", _("failed")

    policy = models.ForeignKey(
        ScalingPolicy, models.CASCADE, related_name="decisions", verbose_name=_("scaling policy")
    )
    at = models.DateTimeField(_("at"), default=now)
    current = models.PositiveSmallIntegerField(_("replicas before"))
    recommended = models.PositiveSmallIntegerField(_("wanted by the metrics"))
    desired = models.PositiveSmallIntegerField(_("decided"))
    action = models.CharField(_("action"), max_length=5, choices=Action)
    because = models.CharField(_("rule that decided"), max_length=20, blank=True)
    inputs = models.JSONField(_("inputs"), default=list)
    clamps = models.JSONField(_("rules that bound it"), default=list)
    outcome = models.CharField(
        _("what was done"), max_length=8, choices=Outcome, default=Outcome.NONE, blank=True
    )
    says = models.CharField(_("what the engine said"), max_length=500, blank=True)
    begun_at = models.DateTimeField(_("begun"), null=True, blank=True)
    acted_at = models.DateTimeField(_("done by the engine"), null=True, blank=True)
    came = models.PositiveSmallIntegerField(_("replicas that became ready"), null=True, blank=True)
    came_at = models.DateTimeField(_("ready at"), null=True, blank=True)

    objects = ScalingDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name = _("scaling decision")
        verbose_name_plural = _("scaling decisions")
        indexes = [
            models.Index(fields=["policy", "at"], name="decisions_by_policy"),
            models.Index(
                fields=["policy", "at"],
                condition=Q(action__in=["up", "down"]),
                name="decisions_that_change",
            ),
            models.Index(
                fields=["policy"], condition=Q(outcome="doing"), name="decisions_being_done"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.current} → {self.desired}"

    def document(self) -> dict[str, Any]:
        """As `autoscale --json` and REST give it."""
        return {
            "environment": self.policy.environment.code,
            "service": self.policy.service,
            "at": self.at,
            "current": self.current,
            "recommended": self.recommended,
            "desired": self.desired,
            "action": self.action,
            "because": self.because,
            "inputs": self.inputs,
            "clamps": self.clamps,
            "outcome": self.outcome,
            "says": self.says,
            "came": self.came,
        }
