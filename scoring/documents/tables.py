"""Rows of CSV, JSONL and XLSX files."""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, TextIO

from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from scoring.documents import archives
from scoring.documents.base import (
    BadDocument,
    NumberedRow,
    Row,
    Unreadable,
    lines,
)
from scoring.documents.encodings import UTF_16, encoding_of

COLUMNS = ("candidate", "question", "text", "attempt")
MOST_COLUMNS = 20
MOST_LINE = 4 * 1024 * 1024
MOST_PART = 128 * 1024 * 1024
MOST_SHEET_ROWS = 1_048_576
EXACT_DIGITS = 15
"""Digits that Excel keeps of a number."""
WHOLE = re.compile(rf"[0-9]{{1,{EXACT_DIGITS}}}")
XLSX_ERRORS = (
    InvalidFileException,
    KeyError,
    IndexError,
    AttributeError,
    ValueError,
    SyntaxError,
    TypeError,
    DefusedXmlException,
)


def csv_rows(path: Path) -> Iterator[NumberedRow]:
    """The rows of a CSV file, each with the number of the line on which it begins.

    Raises BadDocument.
    """
    with path.open(encoding=encoding_of(path), newline="") as file:
        reader = csv.reader(_bounded(file), strict=True)
        try:
            header = _header(next(reader, []))
            line = reader.line_num + 1
            for cells in reader:
                if any(cells):
                    yield line, _row(header, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise BadDocument(
                _("line %(line)d: %(reason)s") % {"line": reader.line_num, "reason": error}
            ) from error


def _bounded(file: TextIO) -> Iterator[str]:
    """The lines of the file, of which none can fill the memory."""
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
            raise BadDocument(_("a line is longer than %d characters") % MOST_LINE)
        yield line


def _header(cells: Sequence[Any]) -> list[str]:
    header = [str(cell or "").strip().lower() for cell in cells]
    if not any(header):
        raise BadDocument(_("the file or its first line is empty"))
    faults = [_("column %s is missing") % column for column in COLUMNS[:3] if column not in header]
    named = [column for column in header if column]
    faults += [_("column %s is unknown") % column for column in named if column not in COLUMNS]
    faults += [_("column %s appears twice") % name for name in COLUMNS if named.count(name) > 1]
    if faults:
        raise BadDocument("; ".join(faults))
    return header


def _row(header: Sequence[str], cells: Sequence[Any]) -> Row | Unreadable:
    by_column = {name: cell for name, cell in zip(header, cells, strict=False) if name}
    row: Row = {"text": "", **by_column}
    for name in ("candidate", "question", "attempt"):
        row[name] = str(row.get(name, "")).strip()
    attempt = row.pop("attempt")
    if attempt:
        row["attempt"] = int(attempt) if WHOLE.fullmatch(attempt) else attempt
    if reason := _fault(header, cells):
        return Unreadable(reason, row["candidate"], row.get("attempt", 1))
    return row


def _fault(header: Sequence[str], cells: Sequence[Any]) -> str:
    if any(cells[len(header) :]):
        numbers = {"cells": len(cells), "columns": len(header)}
        return _("%(cells)d cells, %(columns)d columns") % numbers
    faults = [
        _("column %(name)s contains %(content)s") % {"name": name, "content": cell.content}
        for name, cell in zip(header, cells, strict=False)
        if isinstance(cell, NoText)
    ]
    return "; ".join(faults)


def jsonl_rows(path: Path) -> Iterator[NumberedRow]:
    """The JSON object of each line that is not blank. Raises BadDocument."""
    encoding = encoding_of(path)
    if encoding == UTF_16:
        raise BadDocument(_("UTF-16 is not supported in JSONL; save the file as UTF-8"))
    with path.open("rb") as file:
        for number, line in lines(file, MOST_LINE):
            if line is None:
                yield number, Unreadable(_("longer than %d bytes") % MOST_LINE)
            elif line.strip():
                yield number, _json(line.decode(encoding))


def _json(line: str) -> Row | Unreadable:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(_("not JSON"))
    return value if isinstance(value, dict) else Unreadable(_("not a JSON object"))


class NoText:
    """The value of a cell that holds neither text nor a number that is read exactly.

    It counts as empty; `content` says what it is.
    """

    def __init__(self, content: str) -> None:
        self.content = content

    def __str__(self) -> str:
        return ""


def xlsx_rows(path: Path) -> Iterator[NumberedRow]:
    """The rows of the first sheet below the header, with their numbers. Raises BadDocument."""
    with archives.open_archive(path) as archive:
        archives.verify(archive, MOST_PART)
    try:
        with path.open("rb") as file:
            yield from _sheet_rows(load_workbook(file, read_only=True, data_only=True))
    except XLSX_ERRORS as error:
        raise BadDocument(_("not a readable XLSX file: %s") % error) from error


def _sheet_rows(book: Any) -> Iterator[NumberedRow]:
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # some writers declare fewer cells than they write
    table = sheet.iter_rows(max_col=MOST_COLUMNS)
    header = _header([cell.value for cell in next(table, ())])
    for number, cells in enumerate(table, start=2):
        if number > MOST_SHEET_ROWS:
            raise BadDocument(_("more than %d rows") % MOST_SHEET_ROWS)
        if any(cell.value is not None for cell in cells):
            yield number, _row(header, [_cell_text(cell) for cell in cells])


def _cell_text(cell: Any) -> "str | NoText":
    """The value much as the sheet shows it: 1 rather than 1.0, and 001 under the format 000."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "e":
        return NoText(_("an error"))
    if isinstance(value, date | time | timedelta):
        return NoText(_("a date or a time; format the column as text"))
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return _whole(value, cell.number_format or "")
    return str(value).replace("_x000D_", "\r")  # how OOXML escapes a carriage return


def _whole(value: int, number_format: str) -> "str | NoText":
    if abs(value) >= 10**EXACT_DIGITS:
        return NoText(
            _("a number of more than %d digits; format the column as text") % EXACT_DIGITS
        )
    is_padded = set(number_format) == {"0"}
    return str(value).zfill(len(number_format)) if is_padded else str(value)
