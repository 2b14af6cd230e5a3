"""Uploaded files of answers."""

from functools import partial
from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from pmscoring.base.jobs import Job, JobQuerySet
from scoring.models.answers import Batch
from scoring.models.exams import Exam


def stored_name(upload: "Upload", name: str) -> str:
    """A random name on disk, so that nothing of the uploaded name reaches the file system."""
    return uuid4().hex


class Upload(Job):
    """An uploaded file, the counts of its rows, and why rows were rejected.

    `rejections` is a list of `{line, pointer, detail}`, of which only the first are kept, while
    `rejected` counts all rejected rows. In a workbook they have `sheet` too; in a ZIP, `line` is
    the number of the entry and `file` its name. `notes` are what was not read and is no row, such
    as a hidden sheet, in words.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READING = "reading", _("reading")
        READ = "read", _("read")
        REFUSED = "refused", _("refused")

    WORKING, DONE, FAILED = Status.READING, Status.READ, Status.REFUSED
    BROKE_OFF = _("the reading broke off %d times")
    FLOW = {
        "waiting": ("reading",),
        "reading": ("read", "refused", "waiting"),
    }

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="uploads", verbose_name=_("exam"))
    batch = models.ForeignKey(
        Batch,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="uploads",
        verbose_name=_("batch"),
    )
    file = models.FileField(_("file"), upload_to=stored_name, blank=True)
    name = models.CharField(_("file name"), max_length=255)
    size = models.PositiveBigIntegerField(_("size"))
    # The language of the manager who uploaded it, in which the worker writes its messages.
    language = models.CharField(_("language"), max_length=10, default="ja", editable=False)
    status = models.CharField(
        _("status"), max_length=7, choices=Status, default=Status.WAITING, db_index=True
    )
    seen = models.PositiveIntegerField(_("rows read"), default=0)
    accepted = models.PositiveIntegerField(_("rows accepted"), default=0)
    rejected = models.PositiveIntegerField(_("number of rows rejected"), default=0)
    rejections = models.JSONField(_("rows rejected"), default=list, blank=True)
    notes = models.JSONField(_("not read"), default=list, db_default=[], blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = JobQuerySet["Upload"].as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")

    def __str__(self) -> str:
        return self.name


@receiver(post_delete, sender=Upload)
def remove_file(instance: Upload, **_: Any) -> None:
    """Delete the file after the commit, so that a rollback keeps both the row and its file."""
    if name := instance.file.name:
        transaction.on_commit(partial(instance.file.storage.delete, name))
