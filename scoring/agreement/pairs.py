"""What is compared: people's judgements and predictions that were made without knowing them.

- People's points are those of the final mark where people settled it: adjudicated, agreed or
  single. Answers in dispute, or still waiting for a reading, are only counted.
- The machine's points are those of its mark in force, made under the active calibration and the
  present definition. Where that calibration was fitted to the answer's text, the out-of-fold
  prediction (`Example.predicted`) takes their place: the fit has seen people's points for the
  text, and its agreement with them would say nothing about other answers.
- Answers that were marked as one group are one judgement, and count once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

from scoring.models import Answer, Example, Mark, Question

Giver = tuple[int, str]
"""A marker's key and "", or 0 and the name of a source outside."""


class MarkRow(NamedTuple):
    """A standing mark, as far as the figures need it; `answer` and `marker` are keys.

    `origin` names the source of a mark that was given outside, of which no account is the marker.
    """

    answer: int
    source: str
    marker: int | None
    origin: str
    points: float
    criteria: list[dict[str, Any]]
    confidence: float | None
    from_group: int | None
    at: datetime

    @property
    def giver(self) -> Giver:
        """Whose reading it is."""
        return self.marker or 0, self.origin


@dataclass(frozen=True)
class Pair:
    """An answer that people settled and the machine predicted.

    `fitted` is true where the active calibration was fitted to the answer's text, so that `machine`
    is the out-of-fold prediction. `audit` is true for answers of the audit sample.
    """

    answer: int
    machine: float
    people: float
    confidence: float | None
    audit: bool
    fitted: bool
    at: datetime

    @property
    def points(self) -> tuple[float, float]:
        """The machine's points, then people's."""
        return self.machine, self.people

    def is_exact(self, step: float) -> bool:
        """Whether both are the same points on a scale of this step."""
        return abs(self.machine - self.people) < step / 2


@dataclass(frozen=True)
class Reading:
    """The marks that two markers gave one answer, the earlier one first."""

    first: MarkRow
    second: MarkRow


@dataclass
class Comparison:
    """All that can be compared of a question; `criteria` holds (machine, people) by code."""

    pairs: list[Pair] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    criteria: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    open: int = 0
    unpredicted: int = 0


def compare(question: Question) -> Comparison:
    """The comparison over the question's answers that people marked; takes five queries."""
    marks = _marks(question)
    by_people = {key: [mark for mark in rows if mark.source in Mark.PEOPLE] for key, rows in marks}
    answers = _answers(by_people)
    out_of_fold = _out_of_fold(question)
    comparison = Comparison(readings=list(_readings(by_people.values())))
    for key, rows in marks:
        text_key, final_points, final_source, reason = answers[key]
        if final_source not in Mark.PEOPLE or final_points is None:
            comparison.open += 1
            continue
        machine = next((mark for mark in reversed(rows) if mark.source not in Mark.PEOPLE), None)
        fitted = text_key in out_of_fold
        if fitted:
            points, confidence = out_of_fold[text_key]
        elif machine:
            points, confidence = machine.points, machine.confidence
            _add_criteria(comparison, machine, by_people[key])
        else:
            comparison.unpredicted += 1
            continue
        at = by_people[key][-1].at
        audit = reason in Answer.AUDITED
        comparison.pairs.append(
            Pair(key, points, float(final_points), confidence, audit, fitted, at)
        )
    return comparison


def _marks(question: Question) -> list[tuple[int, list[MarkRow]]]:
    """The standing marks of each answer that a person marked; of a group, its first answer only."""
    # Keys rather than a subquery: before the first ANALYZE the planner estimates one row for each
    # side of such a join and runs a nested loop.
    by_people = Mark.objects.filter(answer__question=question, answer__counts=True)
    by_people = by_people.by_people().order_by()
    keys = list(by_people.values_list("answer", flat=True).distinct())
    rows = (
        Mark.objects.filter(answer__in=keys)
        .that_count(question)
        .order_by("answer", "pk")
        .values_list(
            "answer",
            "source",
            "marker",
            "origin",
            "points",
            "criteria",
            "confidence",
            "from_group",
            "created_at",
        )
    )
    marks: dict[int, list[MarkRow]] = defaultdict(list)
    row: Any
    for row in rows.iterator():
        marks[row[0]].append(MarkRow(*row)._replace(points=float(row[4])))
    groups = {
        answer: {mark.from_group for mark in answer_marks if mark.source in Mark.PEOPLE}
        for answer, answer_marks in marks.items()
    }
    return [(answer, marks[answer]) for answer in one_per_group(groups)]


def one_per_group(groups: Mapping[int, Collection[int | None]]) -> Iterable[int]:
    """The keys of the answers that hold a judgement of their own.

    `groups` maps each answer to the groups of people's marks of it, None for a mark of the answer
    alone. Left out are answers all of whose marks came with groups that an earlier answer had.
    """
    counted: set[int] = set()
    for answer in sorted(groups):
        of_answer = set(groups[answer])
        if not of_answer or of_answer <= counted:
            continue
        counted |= {group for group in of_answer if group is not None}
        yield answer


def _answers(keys: Iterable[int]) -> dict[int, tuple[str, Any, str, str]]:
    rows = Answer.objects.filter(pk__in=keys).order_by()
    fields = ("text_key", "final_points", "final_source", "review_reason")
    return {row[0]: row[1:] for row in rows.values_list("pk", *fields).iterator()}


def _out_of_fold(question: Question) -> dict[str, tuple[float, float | None]]:
    """The active calibration's out-of-fold points and confidence, by the example's text key."""
    if question.calibration_id is None:
        return {}
    # A general calibration has examples from other questions, too.
    examples = Example.objects.filter(
        calibration=question.calibration_id, answer__question=question
    ).order_by("-pk")
    rows: Any = examples.values_list("answer__text_key", "predicted", "confidence")
    return {
        text_key: (float(points), confidence) for text_key, points, confidence in rows.iterator()
    }


def _readings(answers: Iterable[Sequence[MarkRow]]) -> Iterable[Reading]:
    """A reading for any two markers or sources of an answer.

    Adjudicators are left out: they knew the markers' points.
    """
    for marks in answers:
        by_giver = {mark.giver: mark for mark in marks if mark.source == Mark.Source.HUMAN}
        yield from (Reading(first, second) for first, second in combinations(by_giver.values(), 2))


def _add_criteria(comparison: Comparison, machine: MarkRow, people: Sequence[MarkRow]) -> None:
    """Compare with the newest of people's marks that has criteria: an adjudicator's comes last."""
    machine_points = points_by_code(machine.criteria)
    criteria: Any = next((mark.criteria for mark in reversed(people) if mark.criteria), [])
    for code, points in points_by_code(criteria).items():
        if code in machine_points:
            comparison.criteria.setdefault(code, []).append((machine_points[code], points))


def points_by_code(criteria: Iterable[dict[str, Any]]) -> dict[str, float]:
    """The points of each criterion of a mark."""
    return {criterion["code"]: float(criterion["points"]) for criterion in criteria}
