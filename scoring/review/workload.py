"""Each marker's work in an exam: how many marks, how fast, and how well they agree with others."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from statistics import median

from django.contrib.auth.models import User

from scoring.models import Exam, Mark, MarkingPolicy, ReferenceMark


@dataclass(frozen=True)
class Workload:
    """One marker's work in an exam.

    `seconds` is the median time of a mark that was given under a lease. `agreement`, in [0, 1], is
    the share of the `compared` pairs of this marker's and another marker's mark of one answer that
    lie within the policy's tolerance; `with_references` is the same share of the `references` first
    marks of reference answers. Each is None where there is nothing to compare.
    """

    marker: User
    marks: int
    seconds: float | None
    agreement: float | None
    compared: int
    with_references: float | None
    references: int


def workload(exam: Exam) -> list[Workload]:
    """The work of each marker, those with the most marks first."""
    marks = Mark.objects.filter(answer__question__exam=exam, answer__counts=True)
    marks = (
        marks.filter(source=Mark.Source.HUMAN)
        .standing()
        .exclude(marker=None)
        .order_by("answer", "pk")
    )
    rows = list(marks.values_list("answer", "marker", "points", "seconds"))
    seconds: dict[int, list[int]] = defaultdict(list)
    counts: dict[int, int] = defaultdict(int)
    for _, marker, _, duration in rows:
        counts[marker] += 1
        if duration is not None:
            seconds[marker].append(duration)
    pairs = _agreement_of_pairs(rows, MarkingPolicy.of(exam).tolerance)
    with_references = _agreement_with_references(exam)
    users = User.objects.in_bulk({*counts, *with_references})
    workloads = [
        Workload(
            marker=users[key],
            marks=counts[key],
            seconds=median(seconds[key]) if seconds[key] else None,
            agreement=_share(pairs[key]),
            compared=len(pairs[key]),
            with_references=_share(with_references[key]),
            references=len(with_references[key]),
        )
        for key in users
    ]
    return sorted(workloads, key=lambda work: (-work.marks, work.marker.pk))


def _agreement_of_pairs(
    rows: Iterable[tuple[int, int, Decimal, int | None]], tolerance: Decimal
) -> dict[int, list[bool]]:
    """By marker, whether each other marker of one of their answers agrees with them."""
    by_answer: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for answer, marker, points, _ in rows:
        by_answer[answer][marker] = points
    agreement: dict[int, list[bool]] = defaultdict(list)
    for marks in by_answer.values():
        for (first, points), (second, other_points) in combinations(marks.items(), 2):
            agrees = abs(points - other_points) <= tolerance
            agreement[first].append(agrees)
            agreement[second].append(agrees)
    return agreement


def _agreement_with_references(exam: Exam) -> dict[int, list[bool]]:
    """By marker, whether their first mark of each reference answer in each round agrees with it.

    Only first marks count for a marker's standing too.
    """
    marks = ReferenceMark.objects.filter(reference__answer__question__exam=exam)
    columns = ("marker_id", "reference_id", "round")
    marks = marks.order_by(*columns, "pk").distinct(*columns)
    agreement: dict[int, list[bool]] = defaultdict(list)
    for marker, agrees in marks.values_list("marker", "agrees"):
        agreement[marker].append(agrees)
    return agreement


def _share(agrees: list[bool]) -> float | None:
    return sum(agrees) / len(agrees) if agrees else None
