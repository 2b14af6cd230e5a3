"""Answers that were taken back: by whom, why, and whether they were brought back since."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from scoring.models.exams import Exam


class Withdrawal(models.Model):
    """One deed that took answers back: a submission, a batch or an uploaded file of them.

    The answers and submissions name their withdrawal while it lasts. `answer_count` is how many
    were taken back, `marked_count` how many of them people had marked. Where a file of marks was
    taken back, both are how many answers it had marked.
    """

    class Kind(models.TextChoices):
        UPLOAD = "upload", _("upload")
        BATCH = "batch", _("batch")
        SUBMISSION = "submission", _("submission")
        MARKS = "marks", _("uploaded marks")

    exam = models.ForeignKey(
        Exam, models.CASCADE, related_name="withdrawals", verbose_name=_("exam")
    )
    kind = models.CharField(_("withdrawn"), max_length=10, choices=Kind)
    subject = models.BigIntegerField(_("number"))
    """The key of the upload (of answers or of marks), batch or submission."""
    reason = models.CharField(_("reason"), max_length=500)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    created_at = models.DateTimeField(_("withdrawn at"), auto_now_add=True)
    answer_count = models.PositiveIntegerField(_("answers"), default=0)
    marked_count = models.PositiveIntegerField(_("marked by people"), default=0)
    restored_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("restored by"),
    )
    restored_at = models.DateTimeField(_("restored at"), null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.subject}"
