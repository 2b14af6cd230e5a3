"""Take answers back that should not have arrived, and bring them back, until the exam is fixed.

Nothing is deleted: a withdrawn answer counts no more (scoring/marks/counting.py), and keeps its
marks for the case that it is restored. An answer that a withdrawn one had replaced counts again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pmscoring.base.audit import record
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from scoring.intake import mark_withdrawals
from scoring.marks import counting, settlement
from scoring.models import Answer, Batch, Exam, Mark, Submission, Upload, Withdrawal, locks

LONGEST_REASON = 500
Subject = Upload | Batch | Submission


class Unconfirmed(WrongState):
    """People have marked answers that would be taken back; the caller must name their number."""


@dataclass(frozen=True)
class Extent:
    """How many answers a withdrawal takes back, and how many of them people have marked."""

    answers: int
    marked: int
    submissions: int


@dataclass(frozen=True)
class Restored:
    """How many answers were restored, and how many of them later ones replace meanwhile.

    `questions` are the keys of those that have answers waiting again.
    """

    answers: int
    replaced: int
    questions: set[int]


def extent(subject: Subject) -> Extent:
    """What `withdraw` would take back now."""
    if _is_of_marks(subject):
        count = mark_withdrawals.brought(subject).answer_count()
        return Extent(answers=count, marked=count, submissions=count)
    answers = _answers(subject)
    marks = Mark.objects.filter(answer__in=answers.filter(counts=True)).by_people().standing()
    return Extent(
        answers=answers.count(),
        marked=marks.answer_count(),
        submissions=_submissions(subject).count(),
    )


@transaction.atomic
def withdraw(
    subject: Subject, user: User, reason: str, marked: int = 0
) -> tuple[Withdrawal, set[int]]:
    """Take the answers back that arrived in the upload or batch, or are of the submission.

    Of an upload of marks, the marks are taken back. `marked` confirms how many of the answers
    people have marked. Returns the keys of the questions, too, of which answers wait again that the
    withdrawn ones had replaced. Raises Invalid without a reason, Unconfirmed where
    `marked` is another number, and WrongState where there is nothing to take back or an exam is
    fixed.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or "\0" in reason:
        detail = _("a reason of at most %d characters is expected") % LONGEST_REASON
        raise Invalid([fault("/reason", detail)])
    if _is_of_marks(subject):
        return _withdraw_marks(subject, user, reason, marked), set()
    _hold(Exam.objects.filter(submissions__in=_submissions(subject)))
    # Two withdrawals at once, or a file that adds answers to these submissions: the second waits
    # here, and then finds fewer answers, or brings its own anew.
    submissions = [row.pk for row in locks.lock_submissions(_submissions(subject))]
    withdrawal = _confirmed(subject, user, reason, marked)
    batch = _batch(subject)
    _answers(subject).update(withdrawal=withdrawal)
    _left_empty(submissions, batch).update(withdrawal=withdrawal)
    questions = counting.recount(submissions)
    record("withdrew answers", user, withdrawal=withdrawal.pk, answers=withdrawal.answer_count)
    return withdrawal, questions


def _withdraw_marks(upload: Upload, user: User, reason: str, marked: int) -> Withdrawal:
    _hold([upload.exam])
    # Two withdrawals at once, or a file whose marks replace these: the second waits here.
    mark_withdrawals.lock(upload)
    withdrawal = _confirmed(upload, user, reason, marked)
    mark_withdrawals.take_back(upload)
    record("withdrew marks", user, withdrawal=withdrawal.pk, answers=withdrawal.answer_count)
    return withdrawal


def _confirmed(subject: Subject, user: User, reason: str, marked: int) -> Withdrawal:
    """The withdrawal, written. Raises Unconfirmed, or WrongState where nothing is there."""
    found = extent(subject)
    if not found.submissions:
        raise WrongState(_("nothing of %s is there to be withdrawn") % subject)
    if found.marked != marked:
        raise Unconfirmed(_unconfirmed(found.marked))
    return Withdrawal.objects.create(
        exam=_exam(subject),
        kind=_kind(subject),
        subject=subject.pk,
        reason=reason,
        withdrawn_by=user,
        answer_count=found.answers,
        marked_count=found.marked,
    )


@transaction.atomic
def restore(withdrawal: Withdrawal, user: User) -> Restored:
    """Bring back what was withdrawn, except where a later answer stands in its place.

    Raises WrongState where that was done already, the exam is fixed, or a candidate of these
    answers counts as absent by now.
    """
    answers = Answer.everything.filter(withdrawal=withdrawal)
    with_answers = answers.order_by().values("submission")
    own = Q(withdrawal=withdrawal) | Q(pk__in=with_answers)
    _hold(Exam.objects.filter(submissions__in=Submission.everything.filter(own)))
    _hold([withdrawal.exam])
    # Two restorations at once: the second UPDATE waits for the first, and then matches no row.
    again = Withdrawal.objects.filter(pk=withdrawal.pk, restored_at=None)
    if not again.update(restored_at=now(), restored_by=user):
        raise WrongState(_("this withdrawal was taken back already"))
    if withdrawal.kind == Withdrawal.Kind.MARKS:
        return _restore_marks(withdrawal, user)
    submissions = locks.lock_submissions(Submission.everything.filter(own))
    answered = set(with_answers.values_list("submission", flat=True))
    _refuse_absent(submissions, answered)
    keys = [row.pk for row in submissions]
    restored = list(answers.values_list("pk", flat=True))
    answers.update(withdrawal=None)
    Submission.everything.filter(pk__in=keys).update(withdrawal=None)
    # Since the withdrawal the candidate may have been stored as absent, which was withdrawn, too.
    Submission.everything.filter(pk__in=answered).update(absent=False)
    questions = counting.recount(keys)
    standing = Answer.objects.filter(pk__in=restored).count()
    record("restored answers", user, withdrawal=withdrawal.pk, answers=len(restored))
    withdrawal.refresh_from_db()
    return Restored(len(restored), len(restored) - standing, questions)


def _restore_marks(withdrawal: Withdrawal, user: User) -> Restored:
    upload = Upload.objects.get(pk=withdrawal.subject)
    mark_withdrawals.lock(upload)
    restored, replaced = mark_withdrawals.bring_back(upload)
    record("restored marks", user, withdrawal=withdrawal.pk, answers=restored)
    withdrawal.refresh_from_db()
    return Restored(restored, replaced, set())


def _hold(exams: Iterable[Exam]) -> None:
    """Share the exams, so that none of them is fixed before this transaction ends."""
    for exam in sorted(set(exams), key=lambda exam: exam.pk):
        settlement.hold(exam)


def _refuse_absent(submissions: Iterable[Submission], with_answers: set[int]) -> None:
    """Raise WrongState where answers would come back to a candidate who counts as absent."""
    absent = [
        row
        for row in submissions
        if row.absent and row.withdrawal_id is None and row.pk in with_answers
    ]
    if absent:
        message = ngettext(
            "%d candidate counts as absent by now; withdraw that first",
            "%d candidates count as absent by now; withdraw that first",
            len(absent),
        )
        raise WrongState(message % len(absent))


def _unconfirmed(marked: int) -> str:
    message = ngettext(
        "people have marked %d of these answers; confirm that number",
        "people have marked %d of these answers; confirm that number",
        marked,
    )
    return message % marked


def _is_of_marks(subject: Subject) -> TypeGuard[Upload]:
    return isinstance(subject, Upload) and subject.kind == Upload.Kind.MARKS


def _kind(subject: Subject) -> Withdrawal.Kind:
    if _is_of_marks(subject):
        return Withdrawal.Kind.MARKS
    kinds = {
        Upload: Withdrawal.Kind.UPLOAD,
        Batch: Withdrawal.Kind.BATCH,
        Submission: Withdrawal.Kind.SUBMISSION,
    }
    return kinds[type(subject)]


def _exam(subject: Subject) -> Exam:
    exam = subject.exam
    if exam is None:
        raise WrongState(_("nothing of %s is there to be withdrawn") % subject)
    return exam


def _batch(subject: Subject) -> Batch | None:
    """The batch itself or that of an upload; None for a submission."""
    if isinstance(subject, Submission):
        return None
    return subject.batch if isinstance(subject, Upload) else subject


def _answers(subject: Subject) -> "QuerySet[Answer]":
    """The answers that are not withdrawn yet."""
    rows = Answer.everything.filter(withdrawal=None)
    if isinstance(subject, Submission):
        return rows.filter(submission=subject)
    return rows.filter(_of_batch(_batch(subject)))


def _of_batch(batch: Batch | None) -> Q:
    # The version before this one writes no batch, as it may while a new one is rolled out.
    older = Q(batch=None, submission__batch=batch)
    return Q(pk=None) if batch is None else Q(batch=batch) | older


def _submissions(subject: Subject) -> "QuerySet[Submission]":
    """The submissions that have these answers, or came without any."""
    if isinstance(subject, Submission):
        return Submission.objects.filter(pk=subject.pk)
    batch = _batch(subject)
    if batch is None:
        return Submission.objects.none()
    own = Answer.everything.filter(_of_batch(batch), withdrawal=None)
    return Submission.objects.filter(Q(batch=batch) | Q(pk__in=own.values("submission")))


def _left_empty(submissions: Iterable[int], batch: Batch | None) -> "QuerySet[Submission]":
    """Those of the submissions of which nothing is left.

    One that another batch brought without answers, as a candidate who wrote nothing, is left.
    """
    answers = Answer.everything.filter(submission=OuterRef("pk"))
    rows = Submission.objects.filter(~Exists(answers.filter(withdrawal=None)), pk__in=submissions)
    if batch is None:
        return rows
    return rows.filter(Q(batch=batch) | Exists(answers.filter(batch=OuterRef("batch"))))
