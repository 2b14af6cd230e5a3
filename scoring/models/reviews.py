"""Marking by people: leases, groups of like answers, reference answers, markers' standings."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from scoring.models.answers import Answer
from scoring.models.exams import Exam, Question


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Filters by expiry."""

    def live(self, at: datetime | None = None) -> Self:
        """Not yet expired."""
        return self.filter(expires_at__gt=at or now())

    def expired(self, at: datetime | None = None) -> Self:
        """Expired, so that other markers may take the answers."""
        return self.filter(expires_at__lte=at or now())


class Lease(models.Model):
    """The marker's claim on an answer until `expires_at`.

    An answer has one lease at a time, except that a reference answer is leased to many markers.
    """

    answer = models.ForeignKey(
        Answer, models.CASCADE, related_name="leases", verbose_name=_("answer")
    )
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("marker")
    )
    is_reference = models.BooleanField(_("reference answer"), default=False)
    created_at = models.DateTimeField(_("created"), default=now)
    expires_at = models.DateTimeField(_("expires"))

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["answer"],
                condition=models.Q(is_reference=False),
                name="one_marker_at_a_time",
            ),
            models.UniqueConstraint(fields=["answer", "marker"], name="lease_once"),
        ]
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return f"#{self.answer_id}"


class AnswerGroupQuerySet(models.QuerySet["AnswerGroup"]):
    """Filters by the marker that holds a group."""

    def idle(self) -> Self:
        """Held by no marker."""
        return self.exclude(held_until__gt=now())

    def in_hands_of_others(self, marker: User) -> Self:
        """Held by another marker, so that `marker` may mark neither the group nor its answers."""
        return self.filter(_held_by_others(marker))

    def free_for(self, marker: User) -> Self:
        """Held by nobody, or by `marker` already."""
        # Two markers may take a group at once. The condition is on the row itself, so an UPDATE
        # with it locks the row and then checks again: that of the second marker changes nothing.
        return self.exclude(_held_by_others(marker))


def _held_by_others(marker: User) -> models.Q:
    return models.Q(held_until__gt=now()) & ~models.Q(held_by=marker)


class AnswerGroup(models.Model):
    """Answers to a question that say the same, shown and marked together.

    `distance` is the largest cosine distance of a member from the representative; 0 where all are
    equal after folding. `held_by` is the marker that holds the group until `held_until`.
    """

    class Kind(models.TextChoices):
        BLANK = "blank", _("blank")
        SAME = "same", _("equal after folding")
        NEAR = "near", _("nearly equal")

    question = models.ForeignKey(
        Question, models.CASCADE, related_name="answer_groups", verbose_name=_("question")
    )
    kind = models.CharField(_("kind"), max_length=5, choices=Kind)
    representative = models.ForeignKey(
        Answer, models.CASCADE, related_name="+", verbose_name=_("representative")
    )
    distance = models.FloatField(_("distance"), default=0.0)
    size = models.PositiveIntegerField(_("answers"), default=0)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("marker"),
    )
    held_until = models.DateTimeField(_("expires"), null=True, editable=False)
    open_count = 0
    """Not stored: how many members the requesting marker may mark now."""

    objects = AnswerGroupQuerySet.as_manager()

    class Meta:
        ordering = ["-size", "pk"]
        indexes = [
            models.Index(
                fields=["held_until"],
                name="groups_in_hand",
                condition=models.Q(held_until__isnull=False),
            )
        ]
        verbose_name = _("answer group")
        verbose_name_plural = _("answer groups")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class Reference(models.Model):
    """An answer whose mark is known (目揃え), which qualifies markers and detects their drift."""

    answer = models.OneToOneField(
        Answer, models.CASCADE, related_name="reference", verbose_name=_("answer")
    )
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    criteria = models.JSONField(_("criteria"), default=list, blank=True)
    explanation = models.TextField(_("explanation"), blank=True)
    qualifies = models.BooleanField(_("asked before a marker begins"), default=True)
    watches = models.BooleanField(_("hidden among the others"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("reference answer")
        verbose_name_plural = _("reference answers")

    def __str__(self) -> str:
        return f"#{self.answer_id}"


class ReferenceMark(models.Model):
    """A marker's mark of a reference answer; it does not count for the answer's result.

    An undone mark is kept as a withdrawal, because only the first judgement measures the marker.
    """

    class Purpose(models.TextChoices):
        QUALIFYING = "qualifying", _("qualifying")
        WATCH = "watch", _("watch for drift")
        WITHDRAWN = "withdrawn", _("withdrawal")

    reference = models.ForeignKey(
        Reference, models.CASCADE, related_name="marks", verbose_name=_("reference answer")
    )
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("marker")
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    criteria = models.JSONField(_("criteria"), default=list, blank=True)
    agrees = models.BooleanField(_("agrees"))
    comment = models.TextField(_("comment"), blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("mark of a reference answer")
        verbose_name_plural = _("marks of reference answers")

    def __str__(self) -> str:
        return f"{self.reference} {self.points}"


class Standing(models.Model):
    """Whether a marker may mark an exam, and the marker's round of qualifying."""

    class Status(models.TextChoices):
        QUALIFYING = "qualifying", _("qualifying")
        QUALIFIED = "qualified", _("qualified")
        SUSPENDED = "suspended", _("suspended")

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="standings", verbose_name=_("exam"))
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="standings", verbose_name=_("marker")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUALIFYING)
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    agreement = models.FloatField(_("agreement"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exam", "marker"], name="standing_once")]
        verbose_name = _("marker's standing")
        verbose_name_plural = _("markers' standings")

    def __str__(self) -> str:
        return f"{self.marker} {self.get_status_display()}"
