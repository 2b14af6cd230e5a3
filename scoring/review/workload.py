"""Who marked how much of an exam, how fast, and how well they agree with the others."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model

from scoring.models import Exam, Mark, MarkingPolicy, ReferenceMark


@dataclass(frozen=True)
class Workload:
    """One marker's work in an exam.

    `seconds` is the median of a mark that was given under a lease; `agreement` the share of the
    `compared` pairs of marks where another marker of the answer came as near as the tolerance,
    `with_references` that of the `references` marks of reference answers; None where there is
    nothing to compare.
    """

    marker: Any
    marks: int
    seconds: float | None
    agreement: float | None
    compared: int
    with_references: float | None
    references: int


def workload(exam: Exam) -> list[Workload]:
    """Each marker's, those with the most marks first."""
    by_markers = Mark.objects.filter(answer__question__exam=exam, source=Mark.Source.HUMAN)
    rows = by_markers.standing().exclude(marker=None)
    given = list(rows.order_by("answer", "pk").values_list("answer", "marker", "points", "seconds"))
    seconds: dict[int, list[int]] = defaultdict(list)
    counts: dict[int, int] = defaultdict(int)
    for _, marker, _, taken in given:
        counts[marker] += 1
        if taken is not None:
            seconds[marker].append(taken)
    pairs = _pairs(given, MarkingPolicy.of(exam).tolerance)
    watched = _watched(exam)
    users = get_user_model().objects.in_bulk({*counts, *watched})
    found = [
        Workload(
            marker=users[key],
            marks=counts[key],
            seconds=median(seconds[key]) if seconds[key] else None,
            agreement=_share(pairs[key]),
            compared=len(pairs[key]),
            with_references=_share(watched[key]),
            references=len(watched[key]),
        )
        for key in users
    ]
    return sorted(found, key=lambda one: (-one.marks, one.marker.pk))


def _pairs(
    given: Iterable[tuple[int, int, Decimal, int | None]], tolerance: Decimal
) -> dict[int, list[bool]]:
    """For each marker, whether each other marker of an answer agrees."""
    by_answer: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for answer, marker, points, _ in given:
        by_answer[answer][marker] = points
    found: dict[int, list[bool]] = defaultdict(list)
    for marks in by_answer.values():
        for (one, left), (other, right) in combinations(marks.items(), 2):
            found[one].append(abs(left - right) <= tolerance)
            found[other].append(abs(left - right) <= tolerance)
    return found


def _watched(exam: Exam) -> dict[int, list[bool]]:
    """Whether first judgements of references agree: those that decide who keeps the bound."""
    marks = ReferenceMark.objects.filter(reference__answer__question__exam=exam)
    met = ("marker_id", "reference_id", "round")
    marks = marks.order_by(*met, "pk").distinct(*met)
    found: dict[int, list[bool]] = defaultdict(list)
    for marker, agrees in marks.values_list("marker", "agrees"):
        found[marker].append(agrees)
    return found


def _share(agrees: list[bool]) -> float | None:
    return sum(agrees) / len(agrees) if agrees else None
