"""Responses about who marks what, saved comments, notes on the rubric, and a marker's own marks."""

from typing import TypedDict

from django.contrib.auth.models import User

from pmscoring.base.api.representations import Moment, moment
from pmscoring.base.roles import MANAGER, has_role
from scoring import models
from scoring.api.representations import CriterionMark
from scoring.models.exams import number
from scoring.review import own_marks


class Assigned(TypedDict):
    """A marker's part of an exam: these questions, by their codes, or all of them for null."""

    marker: str
    questions: list[str] | None


class Assignments(TypedDict):
    """All assignments of an exam; without any, every marker may mark it."""

    assignments: list[Assigned]


class SavedComment(TypedDict):
    """A comment to use again, for a question, or for all of the exam where that is null."""

    id: int
    question: str | None
    text: str
    shared: bool
    own: bool


class SavedComments(TypedDict):
    """The caller's comments and those that others share."""

    comments: list[SavedComment]


class RubricNote(TypedDict):
    """A marker's note on a criterion, or on the question as a whole where that is empty.

    `author` is null where somebody else wrote it and the caller is no exam manager.
    """

    id: int
    exam: str
    question: str
    criterion: str
    answer: int | None
    author: str | None
    text: str
    status: str
    reply: str
    created_at: Moment


class RubricNotes(TypedDict):
    """Notes on an exam's rubrics, the latest hundred."""

    notes: list[RubricNote]


class OwnMark(TypedDict):
    """A mark of the caller's that stands; `id` is what its withdrawal names."""

    id: int
    answer: int
    question: str
    points: float
    criteria: list[CriterionMark]
    comment: str
    created_at: Moment


class OwnMarks(TypedDict):
    """The caller's marks, the latest first; `before` asks for those that follow, null for none."""

    marks: list[OwnMark]
    before: int | None


def comment(row: models.SavedComment, user: User) -> SavedComment:
    return {
        "id": row.pk,
        "question": row.question.code if row.question else None,
        "text": row.text,
        "shared": row.is_shared,
        "own": row.author_id == user.pk,
    }


def note(row: models.RubricNote, user: User) -> RubricNote:
    sees_author = row.author_id == user.pk or has_role(user, MANAGER)
    return {
        "id": row.pk,
        "exam": row.question.exam.code,
        "question": row.question.code,
        "criterion": row.criterion,
        "answer": row.answer_id,
        "author": row.author.get_username() if sees_author else None,
        "text": row.text,
        "status": row.status,
        "reply": row.reply,
        "created_at": moment(row.created_at),
    }


def own_mark(row: own_marks.OwnMark) -> OwnMark:
    return {
        "id": row.key,
        "answer": row.answer.pk,
        "question": row.answer.question.code,
        "points": number(row.points),
        "criteria": row.criteria,  # type: ignore[typeddict-item]
        "comment": row.comment,
        "created_at": moment(row.created_at),
    }
