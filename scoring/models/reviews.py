"""What people have in hand: leases, groups of like answers, reference answers, standings."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from scoring.models.answers import Answer
from scoring.models.exams import Exam, Question


class LeaseQuerySet(models.QuerySet["Lease"]):
    """The words of leases."""

    def live(self, at: datetime | None = None) -> Self:
        """Not yet expired."""
        return self.filter(expires_at__gt=at or now())

    def expired(self, at: datetime | None = None) -> Self:
        """What others may take."""
        return self.filter(expires_at__lte=at or now())


class Lease(models.Model):
    """An answer is in this marker's hands until then; as a reference it may be in many hands."""

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
    """Whose hands groups are in."""

    def idle(self) -> Self:
        """What is in nobody's hands."""
        return self.exclude(held_until__gt=now())

    def in_hands_of_others(self, marker: Any) -> Self:
        """What no one but another marker may mark now, nor any of its answers."""
        return self.filter(_held_by_others(marker))

    def free_for(self, marker: Any) -> Self:
        """The others: what nobody has in hand, or the marker has. One condition on the row itself,
        so that an UPDATE where it holds gives it to one of two who ask at once.
        """
        return self.exclude(_held_by_others(marker))


def _held_by_others(marker: Any) -> models.Q:
    return models.Q(held_until__gt=now()) & ~models.Q(held_by=marker)


class AnswerGroup(models.Model):
    """Answers to a question that say the same, shown and marked together.

    `distance` is the largest cosine distance of a member to the representative; 0 where all are
    equal after folding. Until `held_until` it is in the hands of `held_by`.
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
    """Not stored: how many members the marker who asks may mark now."""

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
    """An answer whose mark is known (目揃え): it qualifies markers, and watches them for drift."""

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
    """What a marker gave a reference answer; it never counts for the answer's result.

    One that was taken back is kept as a withdrawal: the first judgement of an answer tells.
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
    """Whether a marker may mark an exam, and in which round of qualifying they are."""

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
