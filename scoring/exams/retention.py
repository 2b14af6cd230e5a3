"""Delete answers, which are personal data, from the date that their exam sets; counts stay."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from django.utils.translation import ngettext

from pmscoring.base.audit import audit
from pmscoring.base.lifecycle import WrongState
from scoring.models import (
    Answer,
    Artefact,
    Exam,
    IdempotencyKey,
    Mark,
    Submission,
    Upload,
    Withdrawal,
    locks,
)

CHUNK = 500
SOON = timedelta(days=7)
"""So near a date of deletion is confirmed, for it may be a slip, and there is no way back."""


class DeletesSoon(WrongState):
    """The date of deletion is past or near, and nobody confirmed how many answers it deletes."""

    def __init__(self, exam: Exam, on: date, answers: int) -> None:
        self.answers = answers
        sentence = ngettext(
            "On %(date)s, %(count)d answer of %(exam)s is deleted for good, with its marks. Confirm"
            " it by the number of answers, or choose a later date.",
            "On %(date)s, %(count)d answers of %(exam)s are deleted for good, with their marks."
            " Confirm it by the number of answers, or choose a later date.",
            answers,
        )
        day = max(on, localdate())
        super().__init__(sentence % {"date": day, "count": answers, "exam": exam.code})


def confirm(exam: Exam, on: date | None, confirmed: int | None) -> None:
    """Raise DeletesSoon unless the exam's answers may be deleted on the new date `on`.

    They may from a week on, where there are none, or where `confirmed` is their number.
    """
    if on is None or on == exam.delete_answers_on or on > localdate() + SOON:
        return
    answers = Answer.objects.filter(submission__exam=exam).count()
    if answers and answers != confirmed:
        raise DeletesSoon(exam, on, answers)


@dataclass
class Deleted:
    """How many rows and files of an exam were deleted."""

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
    """Delete the answers of every exam whose date has come; return what was deleted, by exam.

    Deleted with them are their marks and files, the responses kept for idempotency, and the
    artefacts of calibrations, which are made from answers. The exam, its questions, the metrics of
    calibrations and the counts of batches and uploads stay. An interrupted run is completed by the
    next one.
    """
    due = Exam.objects.filter(delete_answers_on__lte=today or localdate()).order_by("pk")
    return [deleted for exam in due if (deleted := delete_answers(exam))]


def delete_answers(exam: Exam) -> Deleted:
    """Delete all that candidates of the exam submitted, with an entry in the audit log."""
    deleted = Deleted(exam.code)
    for keys in _chunks(exam):
        _delete_submissions(exam, keys, deleted)
    for upload in Upload.objects.filter(exam=exam).exclude(
        file="", rejections=[], notes=[], preview={}
    ):
        _empty_upload(upload, deleted)
    Withdrawal.objects.filter(exam=exam).update(reason="")
    # A stored response contains the submission with its texts.
    deleted.responses = IdempotencyKey.objects.filter(response__exam=exam.code).delete()[0]
    deleted.artefacts = Artefact.objects.filter(calibration__question__exam=exam).delete()[0]
    if deleted:
        audit.info("answers deleted", extra=asdict(deleted))
    return deleted


def _chunks(exam: Exam) -> Iterator[list[int]]:
    """Keys of submissions, read anew after each chunk, since the caller deletes them."""
    rows = Submission.everything.filter(exam=exam).order_by("pk").values_list("pk", flat=True)
    while keys := list(rows[:CHUNK]):
        yield keys


@transaction.atomic
def _delete_submissions(exam: Exam, keys: list[int], deleted: Deleted) -> None:
    # The DELETE locks answers in any order, and could deadlock with a transaction that settles or
    # marks some of them; so they are locked first, in the order of scoring/models/locks.py. The
    # exam is shared so that a definition that is being loaded is waited for.
    locks.share_exam(exam.pk)
    answers = Answer.everything.filter(submission__in=keys)
    locks.lock_answers(answers)
    deleted.marks += delete_marks(answers)
    deleted.answers += answers.count()
    deleted.submissions += len(keys)
    Submission.everything.filter(pk__in=keys).delete()


def delete_marks(answers: "QuerySet[Answer]") -> int:
    """Delete all marks of the answers, so that these can be deleted; return how many."""
    marks, total = Mark.objects.filter(answer__in=answers), 0
    # A withdrawal protects the mark that it withdraws (PROTECT), so marks that no mark withdraws
    # go first. `standing()` would not do: it leaves withdrawals out.
    while count := marks.filter(mark=None).delete()[0]:
        total += count
    return total


def _empty_upload(upload: Upload, deleted: Deleted) -> None:
    # The file first: if this is interrupted, the row still names it and the next run repeats it.
    if upload.file.name:
        upload.file.storage.delete(upload.file.name)
        deleted.files += 1
    # All of them may name a candidate.
    Upload.objects.filter(pk=upload.pk).update(
        file="", rejections=[], notes=[], preview={}, refusal={}, reason=""
    )
    # A worker may be reading the file at this moment. If this comes first, the worker finds that
    # the upload is no longer its own (`Upload.beat` raises WrongState) before it stores any
    # submission. If it stores them first, this waits, and the next run deletes them.
    unread = Upload.objects.filter(
        pk=upload.pk, status__in=[Upload.Status.WAITING, Upload.Status.READING]
    )
    unread.update(
        status=Upload.Status.REFUSED, reason="the exam's answers are deleted", claimed_at=None
    )
