"""The answers in the lines of a table below its headings.

A row whose text is not certain is refused, and with it all rows of its candidate are held back, so
a refused row is attributed to a candidate wherever it can be.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pmscoring.base import texts
from pmscoring.base.words import words as _
from scoring.documents.base import (
    Place,
    PlacedRow,
    Questions,
    Row,
    Skipped,
    Unreadable,
    question_code,
)
from scoring.documents.headings import Header, Line
from scoring.documents.sheets import Cell, Merged, NoText, column_letters

WHOLE = re.compile("[0-9]{1,15}")
SHORTENED = re.compile(r"[1-9](?:\.[0-9]+)?E\+[0-9]{2,3}")
"""A long number as spreadsheets write it to text files, where others become the same."""
YES = {"1", "true", "yes", "y", "○", "〇", "欠席", "欠", "はい"}
NO = {"", "0", "false", "no", "n", "×", "出席", "出", "いいえ", "-"}


@dataclass
class Owner:
    """The candidate and attempt of a row, the attempt as written where it is no number."""

    candidate: str = ""
    attempt: Any = 1


def answer_rows(header: Header, lines: Iterable[Line], questions: Questions) -> Iterator[PlacedRow]:
    """The rows of the lines below the headings; what stands above them is skipped."""
    above = Owner()
    for line in lines:
        if not any(_is_filled(cell) for cell in line.cells):
            continue
        if line.place.line < header.place.line:
            yield line.place, Skipped(_("above the headings, not read"))
        elif line.place.line > header.place.line and _is_header_again(header, line):
            yield line.place, Skipped(_("the headings again, not read"))
        elif line.place.line > header.place.line:
            reader = _LineReader(header, line, questions, above)
            yield from reader.rows()
            above = reader.owner


def _is_filled(cell: Cell) -> bool:
    return isinstance(cell, NoText) or bool(cell.strip())


def _is_header_again(header: Header, line: Line) -> bool:
    """Whether the line repeats the headings, as where several files were put together."""
    cells = [texts.folded(str(cell)) for cell in line.cells]
    labels = [texts.folded(label) for label in header.labels]
    return _without_end(cells) == _without_end(labels)


def _without_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


class _LineReader:
    """Reads one line, which belongs to `above` where it names no candidate."""

    def __init__(self, header: Header, line: Line, questions: Questions, above: Owner) -> None:
        self.header, self.line, self.questions = header, line, questions
        candidate = self._named("candidate").strip()
        self.has_candidate = bool(candidate) or isinstance(self._cell("candidate"), NoText)
        self.owner = Owner(candidate, self._attempt()) if self.has_candidate else above

    def rows(self) -> Iterator[PlacedRow]:
        """The row of a long table, or one for each answer in a wide one."""
        if fault := self._fault():
            reason, name = fault
            yield self._place(), self._unreadable(reason, name)
        elif self._is_absent():
            yield self._place(), self._row(absent=True)
        elif self.header.answers:
            yield from self._wide()
        else:
            yield self._answer(self._named("question"), self.header.names["text"], self._place())

    def _wide(self) -> Iterator[PlacedRow]:
        filled = [i for i in self.header.answers if _is_filled(self._at(i))]
        for index in filled:
            label = self._label(index)
            place = self._place({"question": label, "text": label})
            yield self._answer(self.header.answers[index], index, place)
        if not filled:
            # A candidate who came and left every answer empty is not lost.
            yield self._place(), self._row(absent=False)

    def _answer(self, question: str, column: int, place: Place) -> PlacedRow:
        text = self._at(column)
        if isinstance(text, Merged):
            reason = _("a merged cell over several rows; write each answer in a cell of its own")
            return place, self._unreadable(reason, "text")
        if isinstance(text, NoText):
            return place, self._unreadable(_contains(text), "text")
        code = question_code(question, self.questions)
        return place, self._row(question=code, text=str(text))

    def _fault(self) -> tuple[str, str] | None:
        """Why the whole line cannot be read, and the column at fault."""
        if self.line.is_hidden:
            return _("the row is hidden; show it or delete it"), ""
        for index, cell in enumerate(self.line.cells):
            if _is_filled(cell) and not self._is_named(index):
                numbers = {"cell": column_letters(index), "columns": len(self.header.labels)}
                return _("a value in column %(cell)s, which has no heading") % numbers, ""
        for name in ("candidate", "question", "attempt", "absent"):
            if isinstance(cell := self._cell(name), NoText):
                return _contains(cell), name
        if SHORTENED.fullmatch(self.owner.candidate):
            reason = _("a number that a spreadsheet has shortened; format the column as text")
            return reason, "candidate"
        if not self.has_candidate:
            return _("the candidate is missing; write it in each row"), "candidate"
        return self._absent_fault()

    def _absent_fault(self) -> tuple[str, str] | None:
        absent = texts.folded(self._named("absent")).casefold()
        if absent not in YES | NO:
            return _("1 for an absent candidate is expected here, or nothing"), "absent"
        answers = [self.header.names.get("text", -1), *self.header.answers]
        if absent in YES and any(_is_filled(self._at(index)) for index in answers):
            return _("an absent candidate has no answers"), "absent"
        return None

    def _is_absent(self) -> bool:
        return texts.folded(self._named("absent")).casefold() in YES

    def _is_named(self, index: int) -> bool:
        return index < len(self.header.labels) and bool(self.header.labels[index])

    def _at(self, index: int) -> Cell:
        return self.line.cells[index] if 0 <= index < len(self.line.cells) else ""

    def _cell(self, name: str) -> Cell:
        return self._at(self.header.names.get(name, -1))

    def _named(self, name: str) -> str:
        return str(self._cell(name))

    def _attempt(self) -> Any:
        attempt = texts.folded(self._named("attempt")) or "1"
        return int(attempt) if WHOLE.fullmatch(attempt) else attempt

    def _row(self, **values: Any) -> Row:
        row = {"candidate": self.owner.candidate, **values}
        if self._named("attempt").strip():
            row["attempt"] = self.owner.attempt
        return row

    def _unreadable(self, reason: str, name: str) -> Unreadable:
        pointer = f"/{name}" if name else ""
        return Unreadable(reason, self.owner.candidate, self.owner.attempt, pointer)

    def _label(self, index: int) -> str:
        return column_letters(index) if self.line.place.sheet else self.header.labels[index]

    def _place(self, more: dict[str, str] | None = None) -> Place:
        columns = {name: self._label(index) for name, index in self.header.names.items()}
        return replace(self.line.place, columns=columns | (more or {}))


def _contains(cell: NoText) -> str:
    return _("the cell contains %s") % cell.content
