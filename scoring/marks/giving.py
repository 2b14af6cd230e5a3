"""Marks that people give: read from what was sent, checked against the question, written."""

from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from pmscoring.base.faults import Invalid, fault
from pmscoring.base.lifecycle import WrongState
from scoring.agreement import audit_sample
from scoring.marks import settlement
from scoring.models import Answer, Mark, Question, locks
from scoring.models.exams import number


@dataclass(frozen=True)
class Told:
    """A judgement that fits its question."""

    points: Any
    criteria: list[dict[str, Any]]
    comment: str


@transaction.atomic
def give(answer: Answer, marker: Any, told: dict[str, Any]) -> Mark:
    """A person's mark; raises Invalid, or WrongState once the exam is fixed or at a second one.

    `told` is `{points?, criteria?: {code: points}, comment?}`; without `points` the criteria's sum
    counts, at most the question's points.
    """
    judgement = read(answer.question, told)
    settlement.hold(answer.question.exam)
    # Of two requests of one marker that give a mark at once the second waits here, and then finds
    # the first one's mark.
    locks.lock_answer(answer.pk)
    if standing(answer, marker).exists():
        raise WrongState(_("you have marked this answer already; withdraw that mark first"))
    mark = add(answer, marker, judgement)
    settlement.settle([answer.pk])
    return mark


def standing(answer: Answer, marker: Any) -> "models.QuerySet[Mark]":
    """The marker's marks of the answer that were not withdrawn."""
    return answer.marks.filter(marker=marker).by_people().standing()


def add(answer: Answer, marker: Any, told: Told, **more: Any) -> Mark:
    """The judgement as a row; what follows from it is settling's."""
    mark = Mark.objects.create(**row(answer, marker, told, **more))
    audit_sample.observe([mark])
    return mark


def row(answer: Answer, marker: Any, told: Told, **more: Any) -> dict[str, Any]:
    """The columns of a person's mark."""
    return {
        "answer": answer,
        "source": Mark.Source.HUMAN,
        "marker": marker,
        "points": told.points,
        "criteria": told.criteria,
        "definition": answer.question.digest,
        "text_key": answer.text_key,
        "comment": told.comment,
        **more,
    }


def read(question: Question, told: dict[str, Any]) -> Told:
    """What was told, as a judgement of this question; raises Invalid."""
    criteria = _criteria(question, told.get("criteria"))
    points = _points(question, told, sum(one["points"] for one in criteria))
    comment = told.get("comment", "")
    if not isinstance(comment, str) or "\0" in comment or len(comment) > 5000:
        raise Invalid([fault("/comment", _("a text of at most 5000 characters is expected"))])
    return Told(points, criteria, comment.encode("utf-8", "replace").decode())


def _steps(question: Question, most: float) -> str:
    words = {"most": f"{most:g}", "step": number(question.step)}
    return _("from 0 to %(most)s in steps of %(step)s") % words


def _is_on_step(question: Question, points: Any, most: float) -> bool:
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        return False
    return 0 <= points <= most and points % float(question.step) == 0


def _criteria(question: Question, told: Any) -> list[dict[str, Any]]:
    if told is None:
        return []
    if not isinstance(told, dict):
        raise Invalid([fault("/criteria", _("an object of points by code is expected"))])
    known = {one.code: float(one.points) for one in question.criteria.all()}
    found = [
        fault(f"/criteria/{code}", _("there is no such criterion")) for code in told.keys() - known
    ]
    found += [
        fault(f"/criteria/{code}", _steps(question, known[code]))
        for code, points in told.items()
        if code in known and not _is_on_step(question, points, known[code])
    ]
    if found:
        raise Invalid(found)
    return [{"code": code, "points": points, "evidence": []} for code, points in told.items()]


def _points(question: Question, told: dict[str, Any], total: float) -> Any:
    if "points" not in told and not told.get("criteria"):
        raise Invalid([fault("/points", _("points, or points by criterion, are expected"))])
    most = float(question.max_points)
    points = told.get("points", min(total, most))
    if not _is_on_step(question, points, most):
        raise Invalid([fault("/points", _steps(question, most))])
    return points
