"""Marks that people give."""

from typing import Any

from django.db import transaction

from pmscoring.lifecycle import WrongState
from scoring.contract import Invalid, fault
from scoring.models import Answer, Mark, Question


@transaction.atomic
def give(answer: Answer, marker: Any, told: dict[str, Any]) -> Mark:
    """A person's mark, which becomes final; raises Invalid, or WrongState once the exam is fixed.

    `told` is `{points?, criteria?: {code: points}, comment?}`; without `points` the criteria's sum
    counts, at most the question's points.
    """
    question = answer.question
    if question.exam.frozen:
        raise WrongState(f"{question.exam.code} is {question.exam.status}")
    criteria = _criteria(question, told.get("criteria"))
    points = _points(question, told, sum(one["points"] for one in criteria))
    comment = told.get("comment", "")
    if not isinstance(comment, str) or "\0" in comment or len(comment) > 5000:
        raise Invalid([fault("/comment", "a text of at most 5000 characters is expected")])
    mark = Mark.objects.create(
        answer=answer,
        source=Mark.Source.HUMAN,
        marker=marker,
        points=points,
        criteria=criteria,
        definition=question.digest,
        text_key=answer.text_key,
        comment=comment.encode("utf-8", "replace").decode(),
    )
    Answer.objects.filter(pk=answer.pk).update(
        final_points=points, final_source=Mark.Source.HUMAN, review=Answer.Review.MARKED
    )
    return mark


def _is_on_step(question: Question, points: Any, most: float) -> bool:
    if isinstance(points, bool) or not isinstance(points, (int, float)):
        return False
    return 0 <= points <= most and points % float(question.step) == 0


def _criteria(question: Question, told: Any) -> list[dict[str, Any]]:
    if told is None:
        return []
    if not isinstance(told, dict):
        raise Invalid([fault("/criteria", "an object of points by code is expected")])
    known = {one.code: float(one.points) for one in question.criteria.all()}
    found = [
        fault(f"/criteria/{code}", "there is no such criterion") for code in told.keys() - known
    ]
    found += [
        fault(f"/criteria/{code}", f"from 0 to {known[code]} in steps of {question.step}")
        for code, points in told.items()
        if code in known and not _is_on_step(question, points, known[code])
    ]
    if found:
        raise Invalid(found)
    return [{"code": code, "points": points, "evidence": []} for code, points in told.items()]


def _points(question: Question, told: dict[str, Any], total: float) -> Any:
    if "points" not in told and not told.get("criteria"):
        raise Invalid([fault("/points", "points, or points by criterion, are expected")])
    most = float(question.max_points)
    points = told.get("points", min(total, most))
    if not _is_on_step(question, points, most):
        raise Invalid([fault("/points", f"from 0 to {most} in steps of {question.step}")])
    return points
