"""The headings of a table of answers, in the words that people and our own exports use.

A table is long, with a row for each answer, or wide, with a column for each question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pmscoring.base import texts
from pmscoring.base.words import joined
from pmscoring.base.words import words as _
from scoring.documents.base import BadDocument, Place, Questions, question_code
from scoring.documents.sheets import Cell

MOST_LINES_ABOVE = 20
"""Lines in which the headings are looked for: titles and notes may stand above them."""
NAMES = {
    "candidate": "受験者 受験者番号 受験番号 受験者ID 受験者コード 受験ID 学籍番号",
    "question": "設問 設問番号 設問コード 問題 問題番号 問 問い",
    "text": "解答 回答 答案 解答文 回答文 解答内容 回答内容 解答本文 本文 answer",
    "attempt": "回 回数 受験回 受験回数",
    "absent": "欠席 欠席者 欠 absence",
}
LONG = ("candidate", "question", "text")


def _key(heading: object) -> str:
    folded = texts.folded(str(heading)).casefold()
    return folded.replace(" ", "").replace("_", "").replace("-", "")


COLUMNS = {_key(word): name for name, words in NAMES.items() for word in (name, *words.split())}


@dataclass(frozen=True)
class Line:
    """A line of a table, with its cells from the first column on, and what a sheet hides of it."""

    place: Place
    cells: Sequence[Cell]
    is_hidden: bool = False
    hidden_columns: Sequence[range] = ()


@dataclass(frozen=True)
class Header:
    """The columns of a table by their index.

    `names` are candidate, attempt, absent and, in a long table, question and text; `answers` are
    the questions' codes in a wide one. `labels` is how messages name each column.
    """

    place: Place
    names: dict[str, int]
    answers: dict[int, str]
    labels: Sequence[str]

    def meanings(self) -> list[tuple[str, str]]:
        """Each heading with what it means."""
        names = {index: name for name, index in self.names.items()} | self.answers
        return [(label, names[i]) for i, label in enumerate(self.labels) if i in names]


def recognised(cells: Iterable[object], questions: Questions) -> int:
    """How many cells are headings, of which one must be the candidate's."""
    labels = [str(cell) for cell in cells]
    keys = [COLUMNS.get(_key(label), "") for label in labels]
    if "candidate" not in keys:
        return 0
    return sum(
        bool(key) or question_code(label, questions) in questions.values()
        for key, label in zip(keys, labels, strict=True)
    )


def find(lines: Sequence[Line], questions: Questions) -> Header | None:
    """The headings among the first lines of a table, or None where none are recognised.

    Raises BadDocument for headings of which some are missing, unknown or there twice.
    """
    for least in (2, 1):
        for line in lines:
            if recognised(line.cells, questions) >= least:
                return _header(line, questions)
    for line in lines:
        if any(COLUMNS.get(_key(cell)) for cell in line.cells):
            return _header(line, questions)
    return None


def _header(line: Line, questions: Questions) -> Header:
    labels = [str(cell).strip() for cell in line.cells]
    columns = {i: COLUMNS.get(_key(label), "") for i, label in enumerate(labels)}
    answers: dict[int, str] = {}
    if not {"question", "text"} & set(columns.values()):
        answers = {
            index: question_code(label, questions)
            for index, label in enumerate(labels)
            if not columns[index] and question_code(label, questions) in questions.values()
        }
    faults = [*_faults(labels, columns, answers), *_hidden(line, labels)]
    if faults:
        raise BadDocument(joined(": ", [line.place.row(), joined("; ", faults)]))
    names = {name: index for index, name in columns.items() if name}
    return Header(line.place, names, answers, labels)


def _hidden(line: Line, labels: Sequence[str]) -> Iterable[str]:
    for index, label in enumerate(labels):
        if label and any(index in columns for columns in line.hidden_columns):
            yield _("column %s is hidden; show it or delete it") % label


def _faults(
    labels: Sequence[str], columns: dict[int, str], answers: dict[int, str]
) -> Iterable[str]:
    names = [name for name in columns.values() if name]
    for name in ("candidate",) if answers else LONG:
        if name not in names:
            example = NAMES[name].partition(" ")[0]
            yield _("column %(name)s (%(example)s) is missing") % {"name": name, "example": example}
    for index, label in enumerate(labels):
        if label and not columns[index] and index not in answers:
            yield _("column %s is unknown") % label
    named = [*names, *answers.values()]
    for name in dict.fromkeys(named):
        if named.count(name) > 1:
            yield _("column %s appears twice") % name
