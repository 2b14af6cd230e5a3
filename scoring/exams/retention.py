"""Answers are personal data: they are deleted from their exam's date on; what was counted stays."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate

from pmscoring.base.audit import audit
from scoring.models import (
    Answer,
    Artefact,
    Exam,
    IdempotencyKey,
    Mark,
    Submission,
    Upload,
    locks,
)

AT_ONCE = 500


@dataclass
class Deleted:
    """What was deleted of an exam."""

    exam: str
    submissions: int = 0
    answers: int = 0
    marks: int = 0
    files: int = 0
    responses: int = 0
    artefacts: int = 0

    def __bool__(self) -> bool:
        return any((self.submissions, self.files, self.responses, self.artefacts))


def delete_due(today: date | None = None) -> list[Deleted]:
    """Delete the answers of every exam whose date has come; what was deleted, by exam.

    Marks and files go with them, and so do responses kept for idempotency and what calibrations
    were made of them. The exam, its questions, what calibrations reached and the counts of batches
    and uploads stay. A broken-off run is taken up by the next.
    """
    due = Exam.objects.filter(delete_answers_on__lte=today or localdate()).order_by("pk")
    return [deleted for exam in due if (deleted := delete_answers(exam))]


def delete_answers(exam: Exam) -> Deleted:
    """Delete all that candidates of the exam handed in, and write so to the audit log."""
    deleted = Deleted(exam.code)
    for keys in _portions(exam):
        _delete_submissions(exam, keys, deleted)
    for upload in Upload.objects.filter(exam=exam).exclude(file="", rejections=[]):
        _empty(upload, deleted)
    # They hold the submission as it was answered, texts and all.
    deleted.responses = IdempotencyKey.objects.filter(response__exam=exam.code).delete()[0]
    deleted.artefacts = Artefact.objects.filter(calibration__question__exam=exam).delete()[0]
    if deleted:
        audit.info("answers deleted", extra=asdict(deleted))
    return deleted


def _portions(exam: Exam) -> Iterator[list[int]]:
    rows = Submission.objects.filter(exam=exam).order_by("pk").values_list("pk", flat=True)
    while keys := list(rows[:AT_ONCE]):
        yield keys


@transaction.atomic
def _delete_submissions(exam: Exam, keys: list[int], deleted: Deleted) -> None:
    # The deletion would lock answers in an order of its own, and deadlock with whoever settles or
    # marks some of them. A definition that is being loaded is waited for.
    locks.share_exam(exam.pk)
    answers = Answer.objects.filter(submission__in=keys)
    locks.lock_answers(answers)
    deleted.marks += delete_marks(answers)
    deleted.answers += answers.count()
    deleted.submissions += len(keys)
    Submission.objects.filter(pk__in=keys).delete()


def delete_marks(answers: "QuerySet[Answer]") -> int:
    """Delete all marks of the answers, which themselves can go afterwards; how many."""
    marks, total = Mark.objects.filter(answer__in=answers), 0
    # A withdrawal protects the mark that it withdraws, so what nothing withdraws goes first. Not
    # `standing()`, which leaves withdrawals out.
    while count := marks.filter(mark=None).delete()[0]:
        total += count
    return total


def _empty(upload: Upload, deleted: Deleted) -> None:
    """The file goes first: a row that still names it is emptied by the next run."""
    if upload.file.name:
        upload.file.storage.delete(upload.file.name)
        deleted.files += 1
    # What is told of its rows and entries may name a candidate.
    Upload.objects.filter(pk=upload.pk).update(file="", rejections=[], reason="")
    # A worker that reads it at this moment finds its claim gone, and hands in nothing.
    unread = Upload.objects.filter(
        pk=upload.pk, status__in=[Upload.Status.WAITING, Upload.Status.READING]
    )
    unread.update(
        status=Upload.Status.REFUSED, reason="the exam's answers are deleted", claimed_at=None
    )
