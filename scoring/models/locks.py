"""Row locks: the one order in which they are taken, and the functions that take them.

Two transactions deadlock when each holds a row that the other waits for. They cannot when all take
their locks in the same order; each leaves out those that it does not need:

1. an idempotency key, so that the second of two equal requests waits before it does anything;
2. the exam: FOR SHARE to write below it (marks, submissions) while its state and its questions stay
   as they are, FOR UPDATE to change these. Markers, workers and uploads share it, and so do not
   wait for each other;
3. a job (a calibration, an upload) whose outcome is written;
4. submissions, the lowest key first, so that of two that add answers to one the second waits;
5. the question: FOR SHARE to write marks under its calibration and threshold, FOR UPDATE to change
   these. It comes before its answers, because a change of the question lets them wait again;
6. the marker, so that the second of two requests by one person waits;
7. leases, before their answers, because leases are selected by marker or by time;
8. answers, the highest key first. Every set of them is locked in this order, because the sets
   overlap: a worker's batch, a candidate's answers near the pass line, a group, a whole question;
9. groups of answers, which are selected by their answers;
10. a marker's standing, which is computed from the marks.

A transaction that holds an exam FOR UPDATE waits for no row of another exam, so the order among
exams does not matter. Two kinds of lock may be taken at any time, because they never wait: locks
with `skip_locked`, and locks on rows that the transaction itself inserted.

An INSERT locks the rows that its foreign keys reference FOR KEY SHARE, which conflicts with FOR
UPDATE only. Markers are therefore locked FOR NO KEY UPDATE: marks are inserted meanwhile.

All functions here need a transaction, and their locks last until it ends. Rows that were read
before may have changed while a lock was waited for, so they are read again afterwards.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils.translation import gettext as _

from pmscoring.base.lifecycle import WrongState
from scoring.models.exams import Exam, Question

if TYPE_CHECKING:
    from scoring.models.answers import Answer, Submission
    from scoring.models.reviews import AnswerGroup, Lease, Standing

Row = TypeVar("Row", bound=models.Model)


def lock_or_create(
    rows: "models.QuerySet[Row]", defaults: Mapping[str, Any] | None = None, **unique: Any
) -> tuple[Row, bool]:
    """Lock and return the row with these unique values; True where it had to be created."""
    # Two transactions may create it at once: the second waits at the unique constraint until the
    # first commits, then `get_or_create` catches the IntegrityError and gets the first one's row.
    return rows.select_for_update().get_or_create(defaults, **unique)


def share_exam(key: int) -> str | None:
    """Lock the exam FOR SHARE and return its state; None where it no longer exists."""
    status = _shared("SELECT status FROM scoring_exam WHERE id = %s FOR SHARE", key)
    return None if status is None else str(status)


def lock_exam(key: int) -> Exam:
    """Lock the exam FOR UPDATE and return it as it is now."""
    return Exam.objects.select_for_update().get(pk=key)


def lock_submissions(submissions: "models.QuerySet[Submission]") -> "list[Submission]":
    """Lock the submissions and return them as they are now."""
    # Without FOR NO KEY UPDATE the answers that others insert below them would wait.
    return list(submissions.order_by("pk").select_for_update(no_key=True, of=("self",)))


def share_question(key: int) -> None:
    """Lock the question FOR SHARE, so that its definition, calibration and threshold stay."""
    _shared("SELECT id FROM scoring_question WHERE id = %s FOR SHARE", key)


def lock_question(key: int) -> Question:
    """Lock the question FOR UPDATE and return it as it is now."""
    # No `select_related`: a joined row would be read as it was before the lock was waited for.
    return Question.objects.select_for_update().get(pk=key)


def lock_questions(questions: "models.QuerySet[Question]") -> list[int]:
    """Lock questions of one exam, which is locked FOR UPDATE already, and return their keys."""
    return _locked_keys(questions.order_by("pk").select_for_update(of=("self",)))


def lock_marker(marker: User) -> None:
    """Lock the marker, so that a second transaction of the same marker waits here."""
    rows = User.objects.select_for_update(no_key=True)
    _locked_keys(rows.filter(pk=marker.pk))


def lock_leases(leases: "models.QuerySet[Lease]", *, skip_locked: bool = False) -> "list[Lease]":
    """Lock the leases and return those that still exist, as they are now."""
    rows = leases.order_by("pk")
    return list(rows.select_for_update(of=("self",), skip_locked=skip_locked))


def lock_answer(key: int) -> "Answer":
    """Lock one answer and return it as it is now. Raises WrongState where it no longer counts."""
    from scoring.models.answers import Answer

    answer = Answer.objects.select_for_update().filter(pk=key).first()
    if answer is None:
        raise WrongState(_("#%d was withdrawn or replaced") % key)
    return answer


def lock_answers(answers: "models.QuerySet[Answer]", *, skip_locked: bool = False) -> list[int]:
    """Lock the answers and return their keys, the highest first.

    With `skip_locked`, answers that other transactions have locked are left out.
    """
    return _locked_keys(in_lock_order(answers, skip_locked=skip_locked))


def in_lock_order(
    answers: "models.QuerySet[Answer]", *, skip_locked: bool = False
) -> "models.QuerySet[Answer]":
    """A queryset that locks the answers as they are read, for callers that need whole rows."""
    rows = answers.order_by("-pk")
    return rows.select_for_update(of=("self",), skip_locked=skip_locked)


def lock_first_free(answers: "models.QuerySet[Answer]") -> "Answer | None":
    """Lock the first of the answers, in their order, that no other transaction has locked.

    Where all are locked, wait for the first; None if it is then no longer among the answers. Only
    for transactions that lock a single answer.
    """
    # Many markers may ask for an answer at once. Each skips the answers that others have locked, so
    # no two get the same one.
    free = answers.select_for_update(of=("self",), skip_locked=True).first()
    return free or answers.select_for_update(of=("self",)).first()


def lock_groups(groups: "models.QuerySet[AnswerGroup]") -> list[int]:
    """Lock the groups and return the keys of those that still match the query."""
    return _locked_keys(groups.order_by("pk").select_for_update(of=("self",)))


def lock_standing(standing: "Standing") -> "Standing":
    """Lock the standing and return it as it is now."""
    return type(standing).objects.select_for_update().get(pk=standing.pk)


def _locked_keys(rows: "models.QuerySet[Row]") -> list[int]:
    return list(rows.values_list("pk", flat=True))


def _shared(query: str, key: int) -> Any:
    # Raw SQL, because Django's ORM has no FOR SHARE.
    with connection.cursor() as cursor:
        cursor.execute(query, [key])
        row = cursor.fetchone()
    return row[0] if row else None
