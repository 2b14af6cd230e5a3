"""The agreement that operators watch, cheap enough to be computed every few seconds."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from prometheus_client import Histogram

from scoring.agreement.pairs import one_per_group
from scoring.models import Answer, Example, Mark

NEWEST_MARKS, FEWEST_ANSWERS = 2000, 30
# Without a label for the exam or question: Prometheus would keep a series for each, without bound.
ACCURACY = Histogram(
    "scoring_accuracy",
    "How near each mark by a person is to the machine's, 1 being the same points",
    buckets=(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
)


def recent_agreement() -> float | None:
    """The share of exact agreement in [0, 1] among the audited answers of people's newest marks.

    None for fewer than FEWEST_ANSWERS. Only the newest NEWEST_MARKS marks are read, so that the
    time does not grow with the number of marks. Answers outside the audit sample reach people
    because the machine was unsure of them, and so are no measure of what it settles. Answers that
    were marked as one group count once.
    """
    sample = Answer.objects.filter(
        pk__in=list(one_per_group(_groups_of_newest_marks())),
        review_reason__in=Answer.AUDITED,
        final_source__in=Mark.PEOPLE,
    )
    rows = with_predictions(sample).order_by().values_list("final_points", "predicted")
    exact = [points == machine for points, machine in rows if machine is not None]
    return round(sum(exact) / len(exact), 4) if len(exact) >= FEWEST_ANSWERS else None


def _groups_of_newest_marks() -> dict[int, set[int | None]]:
    """The groups of people's newest standing marks, by answer; None for a mark of one answer."""
    newest = Mark.objects.by_people().order_by("-created_at")
    rows = list(newest.values_list("pk", "answer", "from_group")[:NEWEST_MARKS])
    # A separate query: as a join to the first one it would make PostgreSQL sort all marks.
    withdrawals = Mark.objects.filter(withdraws__in=[key for key, _answer, _group in rows])
    withdrawn = set(withdrawals.order_by().values_list("withdraws", flat=True))
    groups: dict[int, set[int | None]] = defaultdict(set)
    for key, answer, group in rows:
        if key not in withdrawn:
            groups[answer].add(group)
    return groups


def observe(marks: Iterable[Mark]) -> None:
    """After the commit, observe in ACCURACY how near people's new marks are to the machine's.

    1 is the same points, 0 a difference of all the question's points. A group's marks count once;
    answers that the machine has not marked do not count.
    """
    by_people = [mark for mark in marks if mark.source in Mark.PEOPLE]
    # Keys of groups are positive, so the negative key of an answer is never that of a group.
    judgements = {mark.from_group or -mark.answer_id: mark for mark in by_people}
    if not judgements:
        return
    answers = Answer.objects.filter(pk__in=[mark.answer_id for mark in judgements.values()])
    rows = with_predictions(answers).order_by()
    fields = rows.values_list("pk", "predicted", "question__max_points")
    machine = {key: (points, most) for key, points, most in fields if points is not None}

    def count() -> None:
        for mark in judgements.values():
            if mark.answer_id in machine:
                points, most = machine[mark.answer_id]
                ACCURACY.observe(1 - abs(float(mark.points) - float(points)) / float(most))

    transaction.on_commit(count)


def with_predictions(answers: "QuerySet[Answer]") -> "QuerySet[Any]":
    """The answers annotated with `predicted`, the machine's points; null where it has none.

    For an example of the active calibration these are the out-of-fold points, which were predicted
    without people's mark of the answer.
    """
    marks = Mark.objects.in_force_of_outer()
    examples = Example.objects.filter(
        answer=OuterRef("pk"), calibration=OuterRef("question__calibration")
    )
    annotated: QuerySet[Any] = answers.annotate(
        predicted=Coalesce(
            Subquery(examples.values("predicted")[:1]),
            Subquery(marks.order_by("-pk").values("points")[:1]),
        )
    )
    return annotated
