"""One line below the headings of a table: whose it is, its cells by column, and its faults."""

import re
from dataclasses import dataclass, replace
from typing import Any

from pmscoring.base import texts
from pmscoring.base.words import words as _
from scoring.documents.base import Place, Row, Unreadable
from scoring.documents.cells import Cell, Covered, NoText, column_letters, is_filled
from scoring.documents.formulas import unescaped
from scoring.documents.headings import Header, Line

WHOLE = re.compile("[0-9]{1,15}")
SHORTENED = re.compile(r"[1-9](?:\.[0-9]+)?E\+[0-9]{2,3}")
"""A long number as spreadsheets write it to text files, where others become the same."""


@dataclass
class Owner:
    """The candidate and attempt of a row, the attempt as written where it is no number."""

    candidate: str = ""
    attempt: Any = 1


def contains(cell: NoText) -> str:
    """What stands in a cell that has no text, as a fault."""
    return _("the cell contains %s") % cell.content


class LineReader:
    """Reads one line, which belongs to `above` where it names no candidate.

    The cells of the columns `plain` must have a text.
    """

    plain: tuple[str, ...] = ()

    def __init__(self, header: Header, line: Line, above: Owner) -> None:
        self.header, self.line = header, line
        candidate = unescaped(self.named("candidate").strip())
        self.has_candidate = bool(candidate) or isinstance(self.cell("candidate"), NoText)
        self.owner = Owner(candidate, self._attempt()) if self.has_candidate else above

    def line_fault(self) -> tuple[str, str] | None:
        """Why the whole line cannot be read, and the column at fault."""
        if self.line.is_hidden:
            return _("the row is hidden; show it or delete it"), ""
        for index, cell in enumerate(self.line.cells):
            if is_filled(cell) and not isinstance(cell, Covered) and not self._is_named(index):
                numbers = {"cell": column_letters(index), "columns": len(self.header.labels)}
                return _("a value in column %(cell)s, which has no heading") % numbers, ""
        for name in self.plain:
            if isinstance(cell := self.cell(name), NoText):
                return contains(cell), name
        if SHORTENED.fullmatch(self.owner.candidate):
            reason = _("a number that a spreadsheet has shortened; format the column as text")
            return reason, "candidate"
        if not self.has_candidate:
            return _("the candidate is missing; write it in each row"), "candidate"
        return None

    def at(self, index: int) -> Cell:
        """The cell of the column with this index; empty where the line ends before it."""
        return self.line.cells[index] if 0 <= index < len(self.line.cells) else ""

    def cell(self, name: str) -> Cell:
        """The cell of the column of this name; empty where there is no such column."""
        return self.at(self.header.names.get(name, -1))

    def named(self, name: str) -> str:
        """The text of that cell."""
        return str(self.cell(name))

    def row(self, **values: Any) -> Row:
        """The values as a row of the line's candidate and attempt."""
        row = {"candidate": self.owner.candidate, **values}
        if self.named("attempt").strip():
            row["attempt"] = self.owner.attempt
        return row

    def unreadable(self, reason: str, name: str) -> Unreadable:
        """The line as one that cannot be read, because of the column of this name."""
        pointer = f"/{name}" if name else ""
        return Unreadable(reason, self.owner.candidate, self.owner.attempt, pointer)

    def label(self, index: int) -> str:
        """How messages name the column with this index."""
        return column_letters(index) if self.line.place.sheet else self.header.labels[index]

    def place(self, more: dict[str, str] | None = None) -> Place:
        """The line's place with its columns, and `more` of them."""
        columns = {name: self.label(index) for name, index in self.header.names.items()}
        return replace(self.line.place, columns=columns | (more or {}))

    def _is_named(self, index: int) -> bool:
        return index < len(self.header.labels) and bool(self.header.labels[index])

    def _attempt(self) -> Any:
        attempt = texts.folded(self.named("attempt")) or "1"
        return int(attempt) if WHOLE.fullmatch(attempt) else attempt
