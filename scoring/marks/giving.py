"""Marks that people give: read from a payload, checked against the question, written."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.words import words as _
from scoring.agreement import audit_sample
from scoring.marks import settlement
from scoring.models import Answer, Mark, Question, locks
from scoring.models.exams import number
from scoring.models.marks import MarkQuerySet


@dataclass(frozen=True)
class Judgement:
    """Points, points by criterion and a comment that fit a question, not yet written as a mark.

    `criteria` is as in `Mark.criteria`: `{code, points, evidence}` for each.
    """

    points: float | Decimal
    criteria: list[dict[str, Any]]
    comment: str


@transaction.atomic
def give(answer: Answer, marker: User, payload: dict[str, Any]) -> Mark:
    """Write a person's mark, and what follows from it for the answer.

    `payload` is `{points?, criteria?: {code: points}, comment?}`; without `points` the sum of the
    criteria counts, at most the question's points. Raises Invalid, or WrongState where the exam is
    fixed or a mark of this marker already stands.
    """
    judgement = read_judgement(answer.question, payload)
    settlement.hold(answer.question.exam)
    # A request that is sent twice at once would give two marks. The second waits here until the
    # first has committed, and then finds its mark.
    locks.lock_answer(answer.pk)
    if standing_marks(answer, marker).exists():
        raise WrongState(_("you have marked this answer already; withdraw that mark first"))
    mark = add(answer, marker, judgement)
    settlement.settle([answer.pk])
    return mark


def standing_marks(answer: Answer, marker: User) -> MarkQuerySet:
    """The marker's marks of the answer that were not withdrawn."""
    marks: MarkQuerySet = answer.marks.given_by(marker).standing()
    return marks


def add(answer: Answer, marker: User, judgement: Judgement, **columns: Any) -> Mark:
    """Write the mark alone; the caller settles the answer afterwards.

    `columns` are values for other columns of the mark, as `seconds` or another `source`.
    """
    mark = Mark.objects.create(**mark_columns(answer, marker, judgement, **columns))
    audit_sample.observe([mark])
    return mark


def mark_columns(
    answer: Answer, marker: User | None, judgement: Judgement, **columns: Any
) -> dict[str, Any]:
    """The columns of a person's mark, those in `columns` taking the place of the defaults.

    Marks that were given outside have no marker, but `origin` among the columns.
    """
    return {
        "answer": answer,
        "source": Mark.Source.HUMAN,
        "marker": marker,
        "points": judgement.points,
        "criteria": judgement.criteria,
        "definition": answer.question.digest,
        "text_key": answer.text_key,
        "comment": judgement.comment,
        **columns,
    }


def read_judgement(question: Question, payload: dict[str, Any]) -> Judgement:
    """The payload (as in `give`) as a judgement of this question; raises Invalid."""
    criteria = _criteria(question, payload.get("criteria"))
    points = _points(question, payload, sum(criterion["points"] for criterion in criteria))
    comment = payload.get("comment", "")
    if not isinstance(comment, str) or "\0" in comment or len(comment) > 5000:
        raise Invalid([fault("/comment", _("a text of at most 5000 characters is expected"))])
    # JSON may carry lone surrogates, which PostgreSQL refuses.
    return Judgement(points, criteria, comment.encode("utf-8", "replace").decode())


def _range_in_words(question: Question, most: float) -> str:
    words = {"most": f"{most:g}", "step": number(question.step)}
    return _("from 0 to %(most)s in steps of %(step)s") % words


def _is_on_step(question: Question, points: Any, most: float) -> bool:
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        return False
    return 0 <= points <= most and points % float(question.step) == 0


def _criteria(question: Question, payload: Any) -> list[dict[str, Any]]:
    if payload is None:
        return []
    if not isinstance(payload, dict):
        raise Invalid([fault("/criteria", _("an object of points by code is expected"))])
    most = {criterion.code: float(criterion.points) for criterion in question.criteria.all()}
    faults = [
        fault(f"/criteria/{code}", _("there is no such criterion"))
        for code in payload.keys() - most
    ]
    faults += [
        fault(f"/criteria/{code}", _range_in_words(question, most[code]))
        for code, points in payload.items()
        if code in most and not _is_on_step(question, points, most[code])
    ]
    if faults:
        raise Invalid(faults)
    return [{"code": code, "points": points, "evidence": []} for code, points in payload.items()]


def _points(question: Question, payload: dict[str, Any], criteria_sum: float) -> float:
    if "points" not in payload and not payload.get("criteria"):
        raise Invalid([fault("/points", _("points, or points by criterion, are expected"))])
    most = float(question.max_points)
    points: float = payload.get("points", min(criteria_sum, most))
    if not _is_on_step(question, points, most):
        raise Invalid([fault("/points", _range_in_words(question, most))])
    return points
