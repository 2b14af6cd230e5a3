"""Marks: judgements of answers, only ever added."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from scoring.models.answers import Answer


class Mark(models.Model):
    """One marker's judgement of one answer; the machine is a marker too.

    `criteria` is a list of `{code, points, evidence: [{start, end}]}`, offsets in code points
    of the text as submitted. `text_key` lets the same text take over the mark of another answer.
    `from_group` is the key of the answer group that was marked as one; it outlives the group.
    """

    class Source(models.TextChoices):
        MACHINE = "machine", _("machine")
        HUMAN = "human", _("human")
        ADJUDICATOR = "adjudicator", _("adjudicator")
        WITHDRAWAL = "withdrawal", _("withdrawal")

    answer = models.ForeignKey(
        Answer, models.CASCADE, related_name="marks", verbose_name=_("answer")
    )
    source = models.CharField(_("source"), max_length=11, choices=Source)
    marker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name=_("marker")
    )
    points = models.DecimalField(_("points"), max_digits=5, decimal_places=1)
    criteria = models.JSONField(_("criteria"), default=list)
    flags = models.JSONField(_("flags"), default=list)
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    calibration = models.CharField(_("calibration"), max_length=64, blank=True)
    model = models.CharField(_("model"), max_length=64, blank=True)
    definition = models.CharField(_("definition"), max_length=64, blank=True)
    text_key = models.CharField(max_length=64, blank=True)
    withdraws = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, verbose_name=_("withdraws")
    )
    comment = models.TextField(_("comment"), blank=True)
    from_group = models.BigIntegerField(_("answer group"), null=True, blank=True)
    seconds = models.PositiveIntegerField(_("seconds taken"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "calibration", "model", "definition"],
                condition=models.Q(source="machine"),
                name="machine_mark_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["-created_at"],
                name="mark_by_people",
                condition=models.Q(source__in=["human", "adjudicator"]),
            ),
            models.Index(
                fields=["-created_at"],
                name="mark_by_machine",
                condition=models.Q(source="machine"),
            ),
        ]
        verbose_name = _("mark")
        verbose_name_plural = _("marks")

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.points}"
