"""The rows of a sheet of an XLSX workbook, read in blocks, with the text that each cell shows."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pmscoring.base.words import words as _
from scoring.documents.cell_styles import FILLED, NOTHING, STRUCK, TINY, WHITE, is_lost
from scoring.documents.cells import Cell, Covered, Merged, NoText, column_number
from scoring.documents.numbers import NotShown, shown, shown_text
from scoring.documents.xmlstreams import Looking, XmlReader

MOST_ROWS, MOST_COLUMNS = 1_048_576, 300
REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
MERGES = (b"mergeCell", "mergeCell".encode("utf-16-le"), "mergeCell".encode("utf-16-be"))
TRUE = ("1", "true")
ARRAYS = ("array", "dataTable")
"""Formulas that fill a range of cells."""
LEAST = {"ht": 2.0, "width": 0.3}
"""The least height of a row, in points, and width of a column, in characters, that show a text."""
Blocks = Callable[[], Iterable[bytes]]


class SheetRow(NamedTuple):
    """A row; its cells by the number of their column from 0 on, without those that are empty."""

    number: int
    is_hidden: bool
    hidden_columns: Sequence[range]
    cells: dict[int, Cell]


class Context(NamedTuple):
    """What the cells of all sheets refer to: shared strings, and of each style format and look."""

    strings: Sequence[str]
    formats: Sequence[str]
    looks: Sequence[frozenset[str]]
    are_values_stored: bool


class Range(NamedTuple):
    """A range of cells: its first and last row, and its first and last column."""

    top: int
    bottom: int
    column: int
    last: int

    @property
    def others(self) -> range:
        """Its columns after the first, as far as a table may reach."""
        return range(self.column + 1, min(self.last + 1, MOST_COLUMNS))


class _Merges(XmlReader):
    def __init__(self) -> None:
        super().__init__()
        self.merges: list[Range] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "mergeCell":
            self.merges.append(_range(attributes["ref"]))

    def end(self, name: str) -> None:
        pass


def _merges(blocks: Blocks) -> "deque[Range]":
    """The merged ranges, which a sheet lists behind its rows, by first row."""
    if not any(name in block for block in blocks() for name in MERGES):
        return deque()
    reader = _Merges()
    for block in blocks():
        reader.feed(block)
    return deque(sorted(reader.merges))


def _place(reference: str) -> tuple[int, int]:
    """Row (from 1 on) and column (from 0 on) of a reference such as C2."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise ValueError(reference)
    return int(match[2]), column_number(match[1])


def _range(reference: str) -> Range:
    """The range of a reference such as C2:D4."""
    first, _colon, last = reference.partition(":")
    (top, left), (bottom, right) = _place(first), _place(last or first)
    return Range(top, bottom, left, right)


@dataclass
class _OpenCell:
    column: int
    kind: str
    style: int
    has_formula: bool = False
    value: str | None = None
    array: Range | None = None


class _Rows(XmlReader):
    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.hidden_columns: list[range] = []
        self.done: list[SheetRow] = []
        self.number = 0
        self.is_hidden = False
        self.column = -1
        self.cells: dict[int, Cell] = {}
        self.cell: _OpenCell | None = None
        self.unstored: list[Range] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name == "f" and self.cell:
            self.cell.has_formula = True
            self.cell.array = _range(attributes["ref"]) if attributes.get("t") in ARRAYS else None
        elif name == "row":
            self._start_row(attributes)
        elif name == "col" and _is_hidden(attributes, "width"):
            self.hidden_columns.append(range(int(attributes["min"]) - 1, int(attributes["max"])))

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = int(attributes.get("r", self.number + 1))
        if not self.number < number <= MOST_ROWS:
            raise ValueError(f"row {number}")
        self.number, self.is_hidden = number, _is_hidden(attributes, "ht")
        self.column, self.cells = -1, {}

    def _start_cell(self, attributes: dict[str, str]) -> None:
        self.taken()
        reference = attributes.get("r")
        self.column = _place(reference)[1] if reference else self.column + 1
        style = int(attributes.get("s", 0))
        self.cell = _OpenCell(self.column, attributes.get("t", "n"), style)

    def end(self, name: str) -> None:
        if name == "row":
            self._refuse_unstored()
            self.done.append(SheetRow(self.number, self.is_hidden, self.hidden_columns, self.cells))
        elif self.cell and name in ("v", "is"):
            self.cell.value = self.taken()
        elif self.cell and name == "c":
            content = _content(self.cell, self.context)
            if self.cell.array and not _has_value(self.cell, self.context):
                self.unstored.append(self.cell.array)
            if self.cell.column in self.cells:
                raise ValueError(f"column {self.cell.column} is there twice")
            if content != "":
                self.cells[self.cell.column] = content
            self.cell = None

    def _refuse_unstored(self) -> None:
        """Put what is missing into the cells that a formula fills beside its own."""
        self.unstored = [each for each in self.unstored if each.bottom >= self.number]
        for each in self.unstored:
            columns = range(each.column, min(each.last + 1, MOST_COLUMNS))
            self.cells |= dict.fromkeys(columns, _unstored())


def _is_hidden(attributes: dict[str, str], size: str) -> bool:
    """Whether a row or a column is hidden, or too small to show anything."""
    return attributes.get("hidden") in TRUE or float(attributes.get(size, 9)) < LEAST[size]


def _content(cell: _OpenCell, context: Context) -> Cell:
    if cell.has_formula and not _has_value(cell, context):
        return _unstored()
    if not cell.value:
        return ""
    if unseen := _unseen(cell, context):
        return NoText(unseen)
    code = context.formats[cell.style] if cell.style < len(context.formats) else "General"
    try:
        return _shown(cell.kind, cell.value, code, context.strings)
    except NotShown as reason:
        return NoText(reason.args[0])


def _unstored() -> NoText:
    return NoText(
        _("a formula without a stored value; save the file in a spreadsheet or paste values")
    )


def _unseen(cell: _OpenCell, context: Context) -> str:
    """Why the text of the cell is not what its sender sees there, or an empty string."""
    looks = context.looks[cell.style] if cell.style < len(context.looks) else NOTHING
    text: str | None = cell.value
    if cell.kind == "s" and text and text.strip().isdecimal():
        text = context.strings[int(text)]
    if isinstance(text, Looking):
        looks |= text.looks
    if STRUCK in looks:
        return _("text that is struck through; delete it or remove the stroke")
    if TINY in looks:
        return _("text too small to be seen; remove it")
    if WHITE in looks and FILLED not in looks:
        return _("white text, which may not be seen; remove it or colour it")
    if is_lost(looks):
        return _("text in the colour of what is behind it; remove it or colour it")
    return ""


def _has_value(cell: _OpenCell, context: Context) -> bool:
    """Whether the formula's value is stored. Only one of type `str` may be empty."""
    is_there = cell.value is not None if cell.kind == "str" else bool(cell.value)
    return is_there and context.are_values_stored


def _shown(kind: str, value: str, code: str, strings: Sequence[str]) -> Cell:
    if kind == "e":
        return NoText(_("an error"))
    if kind == "d":
        return NoText(_("a date or a time; format the column as text"))
    if kind == "b":
        return "TRUE" if value in TRUE else "FALSE"
    if kind == "s":
        if not value.strip().isdecimal():
            raise ValueError(value)
        return shown_text(strings[int(value)], code)
    if kind in ("str", "inlineStr"):
        return shown_text(value, code)
    return shown(value, code)


def rows(blocks: Blocks, context: Context) -> Iterator[SheetRow]:
    """The rows of a sheet in order. Raises BadDocument, and ValueError where it is no sheet."""
    merges, open_merges = _merges(blocks), list[tuple[Range, Cell]]()
    reader = _Rows(context)
    for block in blocks():
        reader.feed(block)
        for row in reader.done:
            open_merges = _carry(row, merges, open_merges)
            yield row
        reader.done = []
    reader.feed(b"")


def _carry(
    row: SheetRow, merges: "deque[Range]", open_merges: list[tuple[Range, Cell]]
) -> list[tuple[Range, Cell]]:
    """Put the text of merged ranges into the row; return the ranges that are open after it."""
    while merges and merges[0].top <= row.number:
        merge = merges.popleft()
        first = row.cells.get(merge.column, "") if merge.top == row.number else ""
        is_tall = merge.bottom > merge.top and isinstance(first, str)
        open_merges.append((merge, Merged(first) if is_tall else first))
    open_merges = [(merge, first) for merge, first in open_merges if merge.bottom >= row.number]
    for merge, first in open_merges:
        if first != "":
            row.cells[merge.column] = first
        for column in merge.others:
            if first != "" or column in row.cells:
                row.cells[column] = Covered()
    return open_merges
