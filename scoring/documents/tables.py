"""Rows of CSV, TSV, JSONL and XLSX files."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from pmscoring.base.strict_json import refuse_constant, refuse_deep
from pmscoring.base.words import joined
from pmscoring.base.words import words as _
from scoring.documents import workbooks
from scoring.documents.base import (
    BadDocument,
    Place,
    PlacedRow,
    Row,
    Skipped,
    Table,
    Unreadable,
    lines,
)
from scoring.documents.cells import Cell, NoText, column_letters
from scoring.documents.encodings import NAMES as ENCODINGS
from scoring.documents.encodings import UTF_16, encoding_of
from scoring.documents.headings import MOST_LINES_ABOVE, Contents, Header, Line, find, recognised
from scoring.documents.sheets import MOST_COLUMNS, SheetRow

AS_TEXT = re.compile(r'="((?:[^"]|"")*)"')
"""A formula that keeps a spreadsheet from taking a text such as 0012 for a number."""
ERROR = re.compile(
    "#(?:N/A|NAME[?]|(?:REF|VALUE|DIV/0|NUM|NULL|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY"
    "|EXTERNAL|TIMEOUT|PYTHON)!|GETTING_DATA)|Err:5[0-9]{2}|#{4,}"
)
"""Errors as spreadsheets write them, and a number in a column that is too narrow."""
MOST_LINE = 4 * 1024 * 1024
MOST_HEAD = 64 * 1024
"""Characters in which the separator is looked for."""
SEPARATORS = (",", "\t", ";")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
"""What Excel takes for the separator of the lines that follow, and not for a row."""


def csv_rows(path: Path, contents: Contents) -> Iterator[PlacedRow]:
    """The rows of a file whose cells are separated by commas, tabulators or semicolons.

    Each has the number of the line on which it begins. Raises BadDocument.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        separator, is_declared = _separator(file.read(MOST_HEAD), contents)
    with path.open(encoding=encoding, newline="") as file:
        if is_declared:
            file.readline()
        header, lines_read = _table(_csv_lines(file, separator, int(is_declared)), contents)
        yield header.place, Table(header.meanings(), ENCODINGS.get(encoding, encoding), separator)
        yield from contents.below(header, lines_read)


def _separator(head: str, contents: Contents) -> tuple[str, bool]:
    """The separator, and whether the first line declares it."""
    if declared := SEPARATOR_LINE.match(head):
        return declared[1], True

    def headings(separator: str) -> int:
        first = head.splitlines(keepends=True)[:MOST_LINES_ABOVE]
        try:
            return max(recognised(row, contents) for row in csv.reader(first, delimiter=separator))
        except (csv.Error, ValueError):
            return 0

    return max(SEPARATORS, key=headings), False


def _csv_lines(file: TextIO, separator: str, number: int) -> Iterator[Line]:
    reader = csv.reader(_bounded(file), delimiter=separator, strict=True)
    above = number
    while True:
        number = above + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise BadDocument(
                _("line %(line)d: %(reason)s") % {"line": number, "reason": _csv_fault(error)}
            ) from error
        if cells is None:
            return
        yield Line(Place(number), [_cell(cell) for cell in cells])


def _cell(text: str) -> Cell:
    """What a spreadsheet shows of a cell that it or another program wrote for it."""
    if shown := AS_TEXT.fullmatch(text):
        return shown[1].replace('""', '"')
    return NoText(_("an error")) if ERROR.fullmatch(text) else text


def _csv_fault(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return _("a quotation mark is opened and never closed")
    if "expected after" in str(error):
        return _("text after a closing quotation mark; write two where the text has one")
    if "field limit" in str(error):
        return _("a cell of more than %d characters") % csv.field_size_limit()
    return _("not readable as CSV")


def _bounded(file: TextIO) -> Iterator[str]:
    """The lines of the file, of which none can fill the memory."""
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
            raise BadDocument(_("a line is longer than %d characters") % MOST_LINE)
        yield line


def _table(table: Iterator[Line], contents: Contents) -> tuple[Header, Iterator[Line]]:
    """The headings of a table, whose lines are read as far as these first, and its lines."""
    above = list(islice(table, MOST_LINES_ABOVE))
    if not any(any(line.cells) for line in above):
        raise BadDocument(_("the file or its first line is empty"))
    header = find(above, contents)
    if header is None:
        raise BadDocument(
            _(
                "no headings were found in the first %(lines)d lines; one must name the columns"
                " %(columns)s, separated by commas, tabulators or semicolons"
            )
            % {"lines": MOST_LINES_ABOVE, "columns": contents.needed()}
        )
    return header, chain(above, table)


def jsonl_rows(path: Path, contents: Contents) -> Iterator[PlacedRow]:
    """The JSON object of each line that is not blank. Raises BadDocument."""
    encoding = encoding_of(path)
    if encoding == UTF_16:
        raise BadDocument(_("UTF-16 is not supported in JSONL; save the file as UTF-8"))
    with path.open("rb") as file:
        for number, line in lines(file, MOST_LINE):
            if line is None:
                yield Place(number), Unreadable(_("longer than %d bytes") % MOST_LINE)
            elif line.strip():
                yield Place(number), _json(line.decode(encoding))


class _TwiceError(Exception):
    """An object has a name twice, of which either value may be meant."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _value in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return members


def _json(line: str) -> Row | Unreadable:
    try:
        value = json.loads(line, object_pairs_hook=_members, parse_constant=refuse_constant)
        refuse_deep(value)
    except _TwiceError as error:
        return Unreadable(_("the name %s is there twice") % error)
    except (ValueError, RecursionError):
        return Unreadable(_("not JSON"))
    return value if isinstance(value, dict) else Unreadable(_("not a JSON object"))


def xlsx_rows(path: Path, contents: Contents) -> Iterator[PlacedRow]:
    """The rows of every visible sheet that has headings. Raises BadDocument.

    Other sheets are skipped, with their names, unless no sheet has headings at all.
    """
    with workbooks.opened(path) as book:
        skipped: list[tuple[Place, Skipped]] = []
        tables = 0
        for sheet in book.sheets:
            place = Place(0, sheet.name)
            if sheet.is_hidden:
                skipped.append((place, Skipped(_("the sheet is hidden and was not read"))))
                continue
            table = _sheet_lines(sheet.name, book.rows(sheet))
            above = list(islice(table, MOST_LINES_ABOVE))
            if reason := contents.left_out(above):
                skipped.append((place, Skipped(reason)))
                continue
            header = find(above, contents)
            if header:
                tables += 1
                yield header.place, Table(header.meanings())
                yield from contents.below(header, chain(above, table))
                skipped += [(place, Skipped(note)) for note in book.left_out(sheet)]
            elif above:
                skipped.append((place, Skipped(_("the sheet has no headings and was not read"))))
        if not tables:
            raise BadDocument(_no_table(skipped))
        yield from skipped


def _no_table(skipped: Iterable[tuple[Place, Skipped]]) -> str:
    reasons = [joined(": ", [place.sheet, sheet.reason]) for place, sheet in skipped]
    return joined("; ", [_("no sheet has headings and rows"), *reasons])


def _sheet_lines(sheet: str, rows: Iterator[SheetRow]) -> Iterator[Line]:
    for row in rows:
        width = 1 + max(row.cells, default=-1)
        if width > MOST_COLUMNS:
            where = f"{column_letters(width - 1)}{row.number}"
            raise BadDocument(
                _("sheet %(sheet)s, cell %(cell)s: more than %(most)d columns")
                % {"sheet": sheet, "cell": where, "most": MOST_COLUMNS}
            )
        cells: list[Cell] = [row.cells.get(column, "") for column in range(width)]
        if width:
            yield Line(Place(row.number, sheet), cells, row.is_hidden, row.hidden_columns)
