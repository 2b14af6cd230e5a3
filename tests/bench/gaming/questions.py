"""Marked questions as the service reads them: of a data folder, and of the sample exam."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmscoring.base import texts
from tests.bench import sample
from tests.bench.agreement import datasets
from tests.bench.agreement.datasets import Row
from tests.bench.agreement.speed import wire
from tests.bench.gaming.words import language_of

STEPS = (1.0, 0.5, 0.25)
ENOUGH = 50
"""Answers that show the language of a question."""
SAMPLE = "sample exam"
Points = dict[str, float]


@dataclass(frozen=True)
class Marked:
    """A distinct answer, and the points that people gave it; `criteria` where they gave those."""

    text: str
    points: float
    criteria: Points | None = None


@dataclass(frozen=True)
class Question:
    """A question and its answers; `is_told` where something says what a right answer has."""

    set: str
    code: str
    language: str
    wire: dict[str, Any]
    answers: Sequence[Marked]
    is_told: bool

    @property
    def most(self) -> float:
        """The points that there are to be had."""
        return float(self.wire["max_points"])

    @property
    def references(self) -> list[str]:
        """Whatever its definition gives as right."""
        each = [text for one in self.wire["criteria"] for text in one["references"]]
        return [*each, *self.wire["model_answers"]]


def of_folder(folder: Path) -> Iterator[list[Question]]:
    """The questions of each file whose columns are known, with their answers."""
    for data in datasets.find(folder):
        yield [_of_rows(data.name, code, rows) for code, rows in data.questions.items()]


def of_sample() -> list[Question]:
    """The sample exam's."""
    return [
        Question(
            SAMPLE,
            one.code,
            one.wire["language"],
            one.wire,
            _distinct(
                Marked(*each) for each in zip(one.texts, one.points, one.criteria, strict=True)
            ),
            is_told=True,
        )
        for one in sample.questions()
    ]


def _of_rows(name: str, code: str, rows: Sequence[Row]) -> Question:
    language = language_of([row.text for row in rows[:ENOUGH]])
    most = rows[0].most or max(row.points for row in rows)
    step = next((s for s in STEPS if all(row.points % s == 0 for row in rows)), STEPS[-1])
    # Whatever has no white space between its words is Japanese to the product.
    asked = wire(rows) | {"language": "en" if language == "en" else "ja", "step": step}
    asked |= {"max_points": most, "criteria": [{**asked["criteria"][0], "points": most}]}
    answers = _distinct(Marked(row.text, round(row.points / step) * step) for row in rows)
    return Question(name, code, language, asked, answers, is_told=bool(rows[0].references))


def _distinct(answers: Iterator[Marked]) -> list[Marked]:
    """Those that are not blank, the first of each text."""
    first: dict[str, Marked] = {}
    for one in answers:
        if folded := texts.folded(one.text).strip():
            first.setdefault(folded, one)
    return list(first.values())


def chosen(questions: Sequence[Question], most: int | None) -> list[Question]:
    """At most so many of them, evenly spaced, so that different ones are among them."""
    if most is None or len(questions) <= most:
        return list(questions)
    return [questions[i * len(questions) // most] for i in range(most)]
