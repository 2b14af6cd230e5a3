"""What may be compared with what: people's judgements beside predictions that did not know them.

- People's points are those of the final mark where people settled it: adjudicated, agreed or
  single. Answers in dispute, or still without a reading that is asked for, are only counted.
- The machine's are its current mark: the active calibration's under the present definition. Was
  the calibration fitted to that text, then the prediction of the fits that had not seen it counts
  instead (`Example.predicted`), or the machine would be praised for what it was told.
- Answers that were marked as one group are one judgement, and count once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from scoring.models import Answer, Example, Mark, Question


class Given(NamedTuple):
    """A mark that stands."""

    answer: int
    source: str
    marker: int | None
    points: float
    criteria: list[dict[str, Any]]
    confidence: float | None
    from_group: int | None
    at: datetime


@dataclass(frozen=True)
class Pair:
    """An answer that people settled and the machine predicted.

    `fitted`: its text was among the examples, so that the prediction is one made out of fold.
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
        """The machine's and people's."""
        return self.machine, self.people

    def is_exact(self, step: float) -> bool:
        """Whether they are the same, on a scale of this step."""
        return abs(self.machine - self.people) < step / 2


@dataclass(frozen=True)
class Reading:
    """One answer as two markers of it had it; `one` marked it before `other` did."""

    one: Given
    other: Given


@dataclass
class Compared:
    """All that can be compared of a question."""

    pairs: list[Pair] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    criteria: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    open: int = 0
    unpredicted: int = 0


def compared(question: Question) -> Compared:
    """Of the question's answers that people marked; five queries."""
    marks = _marks(question)
    people = {
        answer: [mark for mark in given if mark.source in Mark.PEOPLE] for answer, given in marks
    }
    answers = _answers(people)
    predicted = _predicted(question)
    found = Compared(readings=list(_readings(people.values())))
    for answer, given in marks:
        key, points, source, reason = answers[answer]
        machine = next((mark for mark in reversed(given) if mark.source not in Mark.PEOPLE), None)
        if source not in Mark.PEOPLE or points is None:
            found.open += 1
            continue
        if key in predicted:
            guess, confidence = predicted[key]
        elif machine:
            guess, confidence = machine.points, machine.confidence
            _add_criteria(found, machine, people[answer])
        else:
            found.unpredicted += 1
            continue
        at = people[answer][-1].at
        audit = reason in Answer.AUDITED
        pair = Pair(answer, guess, float(points), confidence, audit, key in predicted, at)
        found.pairs.append(pair)
    return found


def _marks(question: Question) -> list[tuple[int, list[Given]]]:
    """The marks that stand of each answer that a person marked, a group's by its first answer."""
    # Keys rather than a subquery: before the first ANALYZE the planner takes both sides of such a
    # join for a single row, and walks one for each row of the other.
    by_people = Mark.objects.filter(answer__question=question).by_people().order_by()
    keys = list(by_people.values_list("answer", flat=True).distinct())
    rows = (
        Mark.objects.filter(answer__in=keys)
        .that_count(question)
        .order_by("answer", "pk")
        .values_list(
            "answer",
            "source",
            "marker",
            "points",
            "criteria",
            "confidence",
            "from_group",
            "created_at",
        )
    )
    found: dict[int, list[Given]] = defaultdict(list)
    row: Any
    for row in rows.iterator():
        found[row[0]].append(Given(*row)._replace(points=float(row[3])))
    groups = {
        answer: {mark.from_group for mark in marks if mark.source in Mark.PEOPLE}
        for answer, marks in found.items()
    }
    return [(answer, found[answer]) for answer in once_a_group(groups)]


def once_a_group(answers: Mapping[int, Collection[int | None]]) -> Iterable[int]:
    """Those that are a judgement of their own, of answers with the groups of people's marks.

    Without the answers all of whose marks came with a group that was met before; None is no group.
    """
    met: set[int] = set()
    for answer in sorted(answers):
        groups = set(answers[answer])
        if not groups or groups <= met:
            continue
        met |= {group for group in groups if group is not None}
        yield answer


def _answers(keys: Iterable[int]) -> dict[int, tuple[str, Any, str, str]]:
    rows = Answer.objects.filter(pk__in=keys).order_by()
    fields = ("text_key", "final_points", "final_source", "review_reason")
    return {row[0]: row[1:] for row in rows.values_list("pk", *fields).iterator()}


def _predicted(question: Question) -> dict[str, tuple[float, float | None]]:
    """What the active calibration's fits made of each example's text without having seen it."""
    if question.calibration_id is None:
        return {}
    # A general calibration has seen answers to other questions, too.
    rows = Example.objects.filter(
        calibration=question.calibration_id, answer__question=question
    ).order_by("-pk")
    told: Any = rows.values_list("answer__text_key", "predicted", "confidence")
    return {key: (float(points), confidence) for key, points, confidence in told.iterator()}


def _readings(answers: Iterable[Sequence[Given]]) -> Iterable[Reading]:
    """Each two markers of an answer; an adjudicator knew the others' marks, and is none."""
    for marks in answers:
        by_marker = {mark.marker: mark for mark in marks if mark.source == Mark.Source.HUMAN}
        read = list(by_marker.values())
        for index, one in enumerate(read):
            for other in read[index + 1 :]:
                yield Reading(one, other)


def _add_criteria(found: Compared, machine: Given, people: Sequence[Given]) -> None:
    """Beside the newest of people's marks that tells of criteria: an adjudicator's comes last."""
    ours = points_by_code(machine.criteria)
    told: Any = next((mark.criteria for mark in reversed(people) if mark.criteria), [])
    for code, points in points_by_code(told).items():
        if code in ours:
            found.criteria.setdefault(code, []).append((ours[code], points))


def points_by_code(criteria: Iterable[dict[str, Any]]) -> dict[str, float]:
    """What each criterion earned."""
    return {one["code"]: float(one["points"]) for one in criteria}
