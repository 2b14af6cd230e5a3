"""Files of answers that a manager uploaded."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from scoring.models.answers import Batch
from scoring.models.exams import Exam


class Upload(models.Model):
    """One file, what became of its rows, and why some were refused.

    `rejections` is a list of `{line, pointer, detail}`; a line of a ZIP is its entry's number.
    """

    class Status(models.TextChoices):
        READ = "read", _("read")
        REFUSED = "refused", _("refused")

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="uploads", verbose_name=_("exam"))
    batch = models.ForeignKey(
        Batch,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="uploads",
        verbose_name=_("batch"),
    )
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size"))
    status = models.CharField(_("status"), max_length=7, choices=Status)
    accepted = models.PositiveIntegerField(_("rows accepted"), default=0)
    rejections = models.JSONField(_("rows rejected"), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")

    def __str__(self) -> str:
        return self.name
