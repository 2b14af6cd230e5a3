"""How an exam is marked: double scoring, what the machine may settle, what markers see."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from scoring.models.exams import Exam

share = [MinValueValidator(0.0), MaxValueValidator(1.0)]


def usually_harmless() -> list[str]:
    """The flags that keep no mark a suggestion unless the exam says otherwise."""
    return ["blank"]


class MarkingPolicy(models.Model):
    """The `marking` part of an exam's definition.

    Shares are in [0, 1]. Points are those of a question, or of the exam for the pass line.
    """

    class Shown(models.TextChoices):
        NOTHING = "nothing", _("nothing of the machine (blind)")
        EVIDENCE = "evidence", _("the machine's evidence")
        MARK = "mark", _("the machine's evidence and points")

    class Settling(models.TextChoices):
        THIRD = "third", _("a third marker, then an adjudicator")
        ADJUDICATOR = "adjudicator", _("an adjudicator")

    exam = models.OneToOneField(Exam, models.CASCADE, related_name="policy", verbose_name=_("exam"))
    machine_final = models.BooleanField(_("the machine's marks may be final"), default=False)
    target_agreement = models.FloatField(
        _("agreement that the machine's marks must reach"),
        default=0.95,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.999)],
    )
    readings = models.PositiveSmallIntegerField(
        _("markers an answer"), default=1, choices=[(1, "1"), (2, "2")]
    )
    tolerance = models.DecimalField(
        _("points by which two markers may differ"), max_digits=5, decimal_places=1, default=0
    )
    settling = models.CharField(
        _("who settles a difference"),
        max_length=11,
        choices=Settling,
        default=Settling.ADJUDICATOR,
    )
    shown = models.CharField(
        _("what markers see of the machine"), max_length=8, choices=Shown, default=Shown.EVIDENCE
    )
    audit_rate = models.FloatField(
        _("share of settled answers that people mark all the same"), default=0.05, validators=share
    )
    pass_line = models.DecimalField(
        _("pass line"), max_digits=6, decimal_places=1, null=True, blank=True
    )
    pass_margin = models.DecimalField(
        _("points around the pass line that are read again"),
        max_digits=5,
        decimal_places=1,
        default=0,
    )
    lease_minutes = models.PositiveSmallIntegerField(
        _("minutes for which an answer is a marker's"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
    )
    marker_bound = models.FloatField(
        _("agreement with reference answers that a marker must keep"),
        null=True,
        blank=True,
        validators=share,
    )
    harmless_flags = models.JSONField(
        _("flags with which the machine's mark may be final"),
        default=usually_harmless,
        db_default=models.Value(["blank"], models.JSONField()),
        blank=True,
    )
    reference_rate = models.FloatField(
        _("share of reference answers hidden among the others"), default=0.05, validators=share
    )

    class Meta:
        verbose_name = _("marking policy")
        verbose_name_plural = _("marking policies")

    def __str__(self) -> str:
        return self.exam.code

    @classmethod
    def of(cls, exam: Exam) -> "MarkingPolicy":
        """The exam's policy, or an unsaved one with the defaults.

        Takes no query where `exam` was read with `select_related("policy")`.
        """
        try:
            return exam.policy
        except cls.DoesNotExist:
            return cls(exam=exam)
