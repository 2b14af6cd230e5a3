"""Agreement as operators watch it: cheap enough to be asked for every few seconds."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from prometheus_client import Histogram

from scoring.agreement.pairs import once_a_group
from scoring.models import Answer, Example, Mark

NEWEST_MARKS, FEWEST_ANSWERS = 2000, 30
# No label: an exam's or a question's figures stay on its page, or series would grow without bound.
ACCURACY = Histogram(
    "scoring_accuracy",
    "How near each mark by a person is to the machine's, 1 being the same points",
    buckets=(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
)


def recent() -> float | None:
    """The share of exact agreement in the newest part of the audit sample; None for too few.

    Of people's newest marks only: how many there were before does not matter to the time it takes.
    Other answers reach people because the machine was unsure of them; they would tell nothing of
    what it settles. Answers that were marked as one group are one judgement.
    """
    sample = Answer.objects.filter(
        pk__in=list(once_a_group(_newest())),
        review_reason__in=Answer.AUDITED,
        final_source__in=Mark.PEOPLE,
    )
    rows = predicted(sample).order_by().values_list("final_points", "predicted")
    found = [points == machine for points, machine in rows if machine is not None]
    return round(sum(found) / len(found), 4) if len(found) >= FEWEST_ANSWERS else None


def _newest() -> dict[int, set[int | None]]:
    """Answers with the groups of people's newest marks that stand."""
    newest = Mark.objects.by_people().order_by("-created_at")
    rows = list(newest.values_list("pk", "answer", "from_group")[:NEWEST_MARKS])
    # A query of its own: joined to the first, it would have the planner sort all marks.
    undone = Mark.objects.filter(withdraws__in=[key for key, _answer, _group in rows]).order_by()
    withdrawn = set(undone.values_list("withdraws", flat=True))
    found: dict[int, set[int | None]] = defaultdict(set)
    for key, answer, group in rows:
        if key not in withdrawn:
            found[answer].add(group)
    return found


def observe(marks: Iterable[Mark]) -> None:
    """After the commit, count how near people's new marks are to the machine's.

    1 is the same points, 0 the whole question apart. A group's marks are one judgement and count
    once; an answer that the machine has not marked counts not at all.
    """
    by_people = [mark for mark in marks if mark.source in Mark.PEOPLE]
    given = {mark.from_group or -mark.answer_id: mark for mark in by_people}
    if not given:
        return
    answers = Answer.objects.filter(pk__in=[mark.answer_id for mark in given.values()])
    rows = predicted(answers).order_by().values_list("pk", "predicted", "question__max_points")
    machine = {key: (points, most) for key, points, most in rows if points is not None}

    def count() -> None:
        for mark in given.values():
            if mark.answer_id in machine:
                points, most = machine[mark.answer_id]
                ACCURACY.observe(1 - abs(float(mark.points) - float(points)) / float(most))

    transaction.on_commit(count)


def predicted(answers: "QuerySet[Answer]") -> "QuerySet[Any]":
    """Each answer with `predicted`, the machine's points: made without having seen its mark."""
    marks = Mark.objects.in_force_of_outer()
    examples = Example.objects.filter(
        answer=OuterRef("pk"), calibration=OuterRef("question__calibration")
    )
    found: QuerySet[Any] = answers.annotate(
        predicted=Coalesce(
            Subquery(examples.values("predicted")[:1]),
            Subquery(marks.order_by("-pk").values("points")[:1]),
        )
    )
    return found
