"""The headings of a table, in the words that people and our own exports use.

A table is long, with a row for each answer, or wide, with a column for each question.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from typing import ClassVar

from pmscoring.base import texts
from pmscoring.base.words import joined
from pmscoring.base.words import words as _
from scoring.documents.base import (
    BadDocument,
    Place,
    PlacedRow,
    Questions,
    Skipped,
    question_code,
)
from scoring.documents.cells import Cell, is_filled

MOST_LINES_ABOVE = 20
"""Lines in which the headings are looked for: titles and notes may stand above them."""
NOT_READ = "unread"
"""What a column means that is known and not read."""


def heading_key(heading: object) -> str:
    """The form in which headings are compared, whatever their width, case and separators."""
    folded = texts.folded(str(heading)).casefold()
    return folded.replace(" ", "").replace("_", "").replace("-", "")


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
    the questions' codes in a wide one, and `criteria` the names of criteria in a table of marks.
    `unread` are known, and not read. `labels` is how messages name each column.
    """

    place: Place
    names: dict[str, int]
    answers: dict[int, str]
    criteria: dict[int, str]
    unread: Sequence[int]
    labels: Sequence[str]

    def meanings(self) -> list[tuple[str, str]]:
        """Each heading with what it means."""
        names = {index: name for name, index in self.names.items()} | self.answers
        names |= dict.fromkeys(self.criteria, "criteria") | dict.fromkeys(self.unread, NOT_READ)
        return [(label, names[i]) for i, label in enumerate(self.labels) if i in names]


@dataclass(frozen=True)
class Contents(ABC):
    """What a table holds of the questions: its columns by the words that people use for them.

    `value` is the column that a wide table has for each question. `criteria` are the folded names
    of criteria, each of which may be a column of a long table.
    """

    questions: Questions
    criteria: Collection[str] = ()

    words: ClassVar[dict[str, str]] = {
        "candidate": "受験者 受験者番号 受験番号 受験者ID 受験者コード 受験ID 学籍番号",
        "question": "設問 設問番号 設問コード 問題 問題番号 問 問い",
        "attempt": "回 回数 受験回 受験回数",
    }
    value: ClassVar[str]

    @abstractmethod
    def rows(self, header: Header, lines: Iterable[Line]) -> Iterator[PlacedRow]:
        """The rows of the lines below the headings."""

    def below(self, header: Header, lines: Iterable[Line]) -> Iterator[PlacedRow]:
        """The rows of a table; what stands above its headings is skipped."""
        table = iter(lines)
        for line in table:
            if line.place.line >= header.place.line:
                break
            if any(map(is_filled, line.cells)):
                yield line.place, Skipped(_("above the headings, not read"))
        filled = (line for line in table if any(map(is_filled, line.cells)))
        for is_again, part in groupby(filled, key=partial(_is_header_again, header)):
            if is_again:
                yield from (
                    (line.place, Skipped(_("the headings again, not read"))) for line in part
                )
            else:
                yield from self.rows(header, part)

    def left_out(self, lines: Sequence[Line]) -> str:
        """Why the sheet that begins with these lines is none to be read; "" where it is."""
        return ""

    def missing(self, names: Collection[str], criteria: Collection[int]) -> Iterator[str]:
        """The columns that a long table lacks."""
        yield from (name for name in ("candidate", "question", self.value) if name not in names)

    def needed(self) -> str:
        """The columns of a long table, each with a Japanese word for it."""
        names = ("candidate", "question", self.value)
        return ", ".join(f"{name} ({_example(self.words[name])})" for name in names)

    def name(self, heading: object) -> str:
        """The column that a heading means, or "" for none."""
        return _names(type(self)).get(heading_key(heading), "")


@cache
def _names(contents: type[Contents]) -> dict[str, str]:
    names = contents.words.items()
    return {heading_key(word): name for name, words in names for word in (name, *words.split())}


def _is_header_again(header: Header, line: Line) -> bool:
    """Whether the line repeats the headings, as where several files were put together."""
    cells = [texts.folded(str(cell)) for cell in line.cells]
    labels = [texts.folded(label) for label in header.labels]
    return _without_end(cells) == _without_end(labels)


def _without_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _example(words: str) -> str:
    return words.partition(" ")[0]


def recognised(cells: Iterable[object], contents: Contents) -> int:
    """How many cells are headings, of which one must be the candidate's."""
    labels = [str(cell) for cell in cells]
    keys = [contents.name(label) for label in labels]
    if "candidate" not in keys:
        return 0
    questions = contents.questions
    return sum(
        bool(key) or question_code(label, questions) in questions.values()
        for key, label in zip(keys, labels, strict=True)
    )


def find(lines: Sequence[Line], contents: Contents) -> Header | None:
    """The headings among the first lines of a table, or None where none are recognised.

    Raises BadDocument for headings of which some are missing, unknown or there twice.
    """
    for least in (2, 1):
        for line in lines:
            if recognised(line.cells, contents) >= least:
                return _header(line, contents)
    for line in lines:
        if any(map(contents.name, line.cells)):
            return _header(line, contents)
    return None


def _header(line: Line, contents: Contents) -> Header:
    labels = [str(cell).strip() for cell in line.cells]
    columns = {i: contents.name(label) for i, label in enumerate(labels)}
    unread = [index for index, name in columns.items() if name == NOT_READ]
    names = {index: name for index, name in columns.items() if name and name != NOT_READ}
    unknown = {i: label for i, label in enumerate(labels) if label and not columns[i]}
    answers: dict[int, str] = {}
    criteria: dict[int, str] = {}
    if not {"question", contents.value} & set(names.values()):
        codes = {i: question_code(label, contents.questions) for i, label in unknown.items()}
        answers = {i: code for i, code in codes.items() if code in contents.questions.values()}
    else:
        folded = {i: texts.folded(label) for i, label in unknown.items()}
        criteria = {i: name for i, name in folded.items() if name in contents.criteria}
    header = Header(
        line.place, {name: i for i, name in names.items()}, answers, criteria, unread, labels
    )
    faults = [*_faults(header, list(names.values()), contents), *_hidden(line, labels)]
    if faults:
        raise BadDocument(joined(": ", [line.place.row(), joined("; ", faults)]))
    return header


def _hidden(line: Line, labels: Sequence[str]) -> Iterable[str]:
    for index, label in enumerate(labels):
        if label and any(index in columns for columns in line.hidden_columns):
            yield _("column %s is hidden; show it or delete it") % label


def _faults(header: Header, names: Sequence[str], contents: Contents) -> Iterable[str]:
    missing = contents.missing(names, header.criteria)
    for name in (name for name in missing if not header.answers or name == "candidate"):
        words = {"name": name, "example": _example(contents.words[name])}
        yield _("column %(name)s (%(example)s) is missing") % words
    known = {*header.names.values(), *header.answers, *header.criteria, *header.unread}
    for index, label in enumerate(header.labels):
        if label and index not in known and not contents.name(label):
            yield _("column %s is unknown") % label
    named = [*names, *header.answers.values(), *header.criteria.values()]
    for name in dict.fromkeys(named):
        if named.count(name) > 1:
            yield _("column %s appears twice") % name
