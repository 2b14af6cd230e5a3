"""What a file may hold, answers or marks, and what reading it takes from either."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pmscoring.base import texts
from pmscoring.base.words import kept
from scoring import documents
from scoring.intake.rejections import Rejections
from scoring.intake.staging import StagedRow
from scoring.models import Batch, Exam, Upload

FIRST_CHARACTERS = 100
"""Of the texts that a preview shows."""


@dataclass(frozen=True)
class Taken:
    """What was stored: rows, their batch, and the keys of questions with answers that wait."""

    accepted: int
    batch: Batch | None = None
    questions: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Contents:
    """How files of one kind are read; each function says more in its module.

    `accepts` raises BadDocument for a name of another format, `rows` reads the file, `checked`
    makes a row of the temporary table of one, `first` shows it in a preview; `store` takes the
    staged rows, and `look` counts what would be taken.
    """

    accepts: Callable[[str], object]
    rows: Callable[[Upload], Iterator[documents.PlacedRow]]
    checked: Callable[[int, documents.Place, documents.Row | documents.Unreadable], StagedRow]
    first: Callable[[StagedRow], dict[str, Any]]
    store: Callable[[Upload, Rejections], Taken]
    look: Callable[[Upload, Rejections, Rejections], dict[str, int]]


def question_names(exam: Exam) -> documents.Questions:
    """The codes of the exam's questions by folded code, and by folded label where it is unique."""
    questions = list(exam.questions.values_list("code", "label"))
    labels = Counter(texts.folded(label) for _code, label in questions)
    by_label = {texts.folded(label): code for code, label in questions if label}
    unique = {label: code for label, code in by_label.items() if labels[label] == 1}
    return unique | {code: code for code, _label in questions}


def beginning(row: StagedRow, text: str) -> dict[str, Any]:
    """A row as a preview shows it, with the beginning of its text."""
    return {
        "place": kept(row.where().row()),
        "candidate": row.candidate,
        "attempt": row.attempt,
        "absent": row.absent,
        "question": row.question,
        "text": text[:FIRST_CHARACTERS],
        "length": len(text),
    }
