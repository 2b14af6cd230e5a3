"""Uploaded files of answers and marks."""

from functools import partial
from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from pmscoring.base.jobs import LONGEST_REASON, Job, JobQuerySet
from pmscoring.base.words import Words, kept
from scoring.models.answers import Batch
from scoring.models.exams import Exam


def stored_name(upload: "Upload", name: str) -> str:
    """A random name on disk, so that nothing of the uploaded name reaches the file system."""
    return uuid4().hex


class Upload(Job):
    """An uploaded file, the counts of its rows, and why rows were rejected.

    `rejections` is a list of `{line, pointer, detail, words}`, of which only the first are kept,
    while `rejected` counts all rejected rows. In a workbook they have `sheet` too; in a ZIP, `line`
    is the number of the entry and `file` its name. `notes` are what was not read and is no row,
    such as a hidden sheet. `words`, `notes` and `refusal` are kept as pmscoring/base/words.py says.

    With `is_preview` the next reading only looks, and its result is `preview`. `conflicts` says
    what happens to another text than the stored one. For a file of marks, `source` names who gave
    them.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        READING = "reading", _("reading")
        PREVIEW = "preview", _("to be confirmed")
        READ = "read", _("read")
        REFUSED = "refused", _("refused")

    class Kind(models.TextChoices):
        ANSWERS = "answers", _("answers")
        MARKS = "marks", _("marks")

    class Format(models.TextChoices):
        """What the texts in the cells of a table are; files of an archive say so themselves."""

        TEXT = "text", _("plain text")
        HTML = "html", _("HTML, as course systems write it")

    class Conflicts(models.TextChoices):
        """What happens to a text where another one is stored for the question."""

        REFUSE = "refuse", _("refuse the candidate's rows")
        SKIP = "skip", _("keep the stored answer")
        REPLACE = "replace", _("replace the stored answer")

    WORKING, DONE, FAILED = Status.READING, Status.READ, Status.REFUSED
    BROKE_OFF = _("the reading broke off %d times")
    FLOW = {
        "waiting": ("reading",),
        "reading": ("read", "preview", "refused", "waiting"),
        "preview": ("waiting",),
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
    kind = models.CharField(
        _("contents"), max_length=7, choices=Kind, default=Kind.ANSWERS, db_default=Kind.ANSWERS
    )
    source = models.CharField(
        _("source of the marks"), max_length=100, blank=True, default="", db_default=""
    )
    is_preview = models.BooleanField(_("preview"), default=False, db_default=False)
    preview = models.JSONField(_("preview"), default=dict, db_default={}, blank=True)
    refusal = models.JSONField(_("reason"), default=dict, db_default={}, blank=True)
    conflicts = models.CharField(
        _("other texts than the stored ones"),
        max_length=7,
        choices=Conflicts,
        default=Conflicts.REFUSE,
        db_default=Conflicts.REFUSE,
    )
    format = models.CharField(
        _("texts in cells"),
        max_length=4,
        choices=Format,
        default=Format.TEXT,
        db_default=Format.TEXT,
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

    def show(self, **changes: Any) -> None:
        """Write the preview; WrongState where another worker has the upload."""
        self._end(self.Status.PREVIEW, reason="", **changes)

    def refuse_file(self, reason: Words) -> None:
        """Fail, with a reason that each reader gets in their language."""
        self._end(self.Status.REFUSED, reason=reason[:LONGEST_REASON], refusal=kept(reason))

    def __str__(self) -> str:
        return self.name


@receiver(post_delete, sender=Upload)
def remove_file(instance: Upload, **_: Any) -> None:
    """Delete the file after the commit, so that a rollback keeps both the row and its file."""
    if name := instance.file.name:
        transaction.on_commit(partial(instance.file.storage.delete, name))
