"""What one marker gave in an exam, for them to look through."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from heapq import merge
from itertools import islice
from typing import Any

from django.contrib.auth.models import User

from scoring.marks.settlement import MARKED_BY_PEOPLE
from scoring.models import Answer, Exam, Mark, Question, ReferenceMark
from scoring.models.people import in_part
from scoring.review import references


@dataclass(frozen=True)
class OwnMark:
    """A mark that stands, of a hidden reference answer too: it looks like any other.

    `key` is that of the Mark or ReferenceMark, which share one sequence. `from_group` is the key of
    the group that the answer was marked in.
    """

    key: int
    answer: Answer
    points: Decimal
    criteria: list[dict[str, Any]]
    comment: str
    created_at: datetime
    from_group: int | None


def own_marks(
    exam: Exam, marker: User, question: Question | None = None, before: int | None = None
) -> "islice[OwnMark]":
    """The marker's marks that stand, the latest first; `before` is the key to go on from.

    Only those of questions that are still the marker's to mark. Lazy: the caller takes as many as
    it shows.
    """
    marks = Mark.objects.filter(answer__question__exam=exam, marker=marker).by_people().standing()
    hidden = ReferenceMark.objects.filter(
        reference__answer__question__exam=exam, marker=marker, purpose=references.WATCH
    )
    marks = in_part(marks, marker, "answer__question")
    hidden = in_part(hidden, marker, "reference__answer__question")
    if question is not None:
        marks = marks.filter(answer__question=question)
        hidden = hidden.filter(reference__answer__question=question)
    if before is not None:
        marks, hidden = marks.filter(pk__lt=before), hidden.filter(pk__lt=before)
    of_marks = marks.select_related("answer__question").order_by("-pk")
    of_hidden = hidden.select_related("reference__answer__question").order_by("-pk")
    both = merge(
        (_own(mark, mark.answer, mark.from_group) for mark in of_marks.iterator(100)),
        (_own(mark, mark.reference.answer, None) for mark in of_hidden.iterator(100)),
        key=lambda mark: -mark.key,
    )
    return islice(both, None)


def _own(mark: Mark | ReferenceMark, answer: Answer, from_group: int | None) -> OwnMark:
    return OwnMark(
        mark.pk,
        answer,
        mark.points,
        mark.criteria,
        mark.comment,
        mark.created_at,
        from_group,
    )


def may_correct(exam: Exam) -> bool:
    """Whether marks of the exam can still be taken back and given anew."""
    return exam.status in MARKED_BY_PEOPLE


def find(exam: Exam, marker: User, key: int) -> Mark | ReferenceMark | None:
    """The marker's own mark of this key in the exam."""
    mark = Mark.objects.filter(pk=key, marker=marker, answer__question__exam=exam)
    if found := mark.select_related("answer__question__exam").first():
        return found
    hidden = ReferenceMark.objects.filter(
        pk=key, marker=marker, reference__answer__question__exam=exam
    )
    return hidden.select_related("reference__answer__question__exam").first()
