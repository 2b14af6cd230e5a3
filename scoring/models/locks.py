"""Row locks: the one order in which they are taken, and the functions that take them.

Two transactions deadlock when each holds a row that the other waits for. They cannot where all of
them lock in the same order, and leave out what they do not need:

1. an idempotency key, so that of two equal requests the second waits before it touches anything;
2. the exam: FOR SHARE by whoever relies on its state or its definition (markers, workers and
   uploads do not wait for each other), FOR UPDATE by whoever changes them. An exam is shared by
   all who write below it, so that its state and its questions stay until they have committed;
3. a job (a calibration, an upload) whose outcome is written;
4. the question: FOR SHARE by a worker that writes marks under its calibration and threshold, FOR
   UPDATE by whoever changes these. Before its answers: whoever changes it lets them wait again;
5. the marker, so that of two requests of one person the second waits;
6. leases, before the answers that they are on: a lease is looked for by its marker or its time;
7. answers, the highest key first. All take any set of them in this order, for the sets overlap: a
   worker's batch, a candidate's answers near the pass line, a group, a whole question;
8. groups of answers, which are looked for by their answers;
9. a marker's standing, which follows from what was marked.

Whoever has an exam FOR UPDATE waits for no row of another exam, so the order of exams among each
other does not matter. Two kinds of lock may be taken at any time, since they never wait: those with
`skip_locked`, and those on rows that the transaction has inserted.

An INSERT locks the rows that its foreign keys name, FOR KEY SHARE. That collides with FOR UPDATE
alone, hence the markers' FOR NO KEY UPDATE: marks are written while their marker is locked.

All of these need a transaction; what they lock stays locked until it ends. What was read before
may have changed while they waited, so it is read again afterwards.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import connection, models

from scoring.models.exams import Exam, Question

if TYPE_CHECKING:
    from scoring.models.answers import Answer
    from scoring.models.reviews import AnswerGroup, Lease, Standing

Row = TypeVar("Row", bound=models.Model)


def lock_or_create(
    rows: "models.QuerySet[Row]", defaults: Mapping[str, Any] | None = None, **unique: Any
) -> tuple[Row, bool]:
    """The row with these unique values as it is now; True where it was created.

    Of two transactions that create it at once the second waits for the unique constraint, and then
    gets the first's row.
    """
    return rows.select_for_update().get_or_create(defaults, **unique)


def share_exam(key: int) -> str | None:
    """The state that the exam keeps until the transaction ends; None where it is deleted."""
    status = _shared("SELECT status FROM scoring_exam WHERE id = %s FOR SHARE", key)
    return None if status is None else str(status)


def lock_exam(key: int) -> Exam:
    """The exam as it is now, which no other transaction shares or changes until this one ends."""
    return Exam.objects.select_for_update().get(pk=key)


def share_question(key: int) -> None:
    """Its definition, calibration and threshold stay until the transaction ends."""
    _shared("SELECT id FROM scoring_question WHERE id = %s FOR SHARE", key)


def lock_question(key: int) -> Question:
    """The question as it is now, which no other transaction shares or changes until this one ends.

    Nothing is selected along: it would be told as it was before the lock had to wait.
    """
    return Question.objects.select_for_update().get(pk=key)


def lock_questions(questions: "models.QuerySet[Question]") -> list[int]:
    """The keys of several of an exam that is locked itself."""
    return _locked_keys(questions.order_by("pk").select_for_update(of=("self",)))


def lock_marker(marker: Any) -> None:
    """Of two transactions of one marker the second waits here."""
    rows = get_user_model()._default_manager.select_for_update(no_key=True)
    _locked_keys(rows.filter(pk=marker.pk))


def lock_leases(leases: "models.QuerySet[Lease]", *, skip_locked: bool = False) -> "list[Lease]":
    """The leases as they are now, without those that ended meanwhile."""
    rows = leases.order_by("pk")
    return list(rows.select_for_update(of=("self",), skip_locked=skip_locked))


def lock_answer(key: int) -> "Answer":
    """One answer as it is now."""
    from scoring.models.answers import Answer

    return Answer.objects.select_for_update().get(pk=key)


def lock_answers(answers: "models.QuerySet[Answer]", *, skip_locked: bool = False) -> list[int]:
    """Their keys, the highest first; with `skip_locked` without those that others hold."""
    return _locked_keys(in_lock_order(answers, skip_locked=skip_locked))


def in_lock_order(
    answers: "models.QuerySet[Answer]", *, skip_locked: bool = False
) -> "models.QuerySet[Answer]":
    """The query that locks the answers as it reads them, where more than their keys is read."""
    rows = answers.order_by("-pk")
    return rows.select_for_update(of=("self",), skip_locked=skip_locked)


def lock_first_free(answers: "models.QuerySet[Answer]") -> "Answer | None":
    """The first of the answers, in their order, that no other transaction holds; where all are
    held, the first, once it comes free and if it is still one of them.

    For whoever locks one answer alone: so many may ask at once, and none gets another's.
    """
    free = answers.select_for_update(of=("self",), skip_locked=True).first()
    return free or answers.select_for_update(of=("self",)).first()


def lock_groups(groups: "models.QuerySet[AnswerGroup]") -> list[int]:
    """Their keys; those of groups that no longer are among them are left out."""
    return _locked_keys(groups.order_by("pk").select_for_update(of=("self",)))


def lock_standing(standing: "Standing") -> "Standing":
    """The standing as it is now."""
    return type(standing).objects.select_for_update().get(pk=standing.pk)


def _locked_keys(rows: "models.QuerySet[Row]") -> list[int]:
    return list(rows.values_list("pk", flat=True))


def _shared(query: str, key: int) -> Any:
    """By hand: Django knows no FOR SHARE."""
    with connection.cursor() as cursor:
        cursor.execute(query, [key])
        row = cursor.fetchone()
    return row[0] if row else None
