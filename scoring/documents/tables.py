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
    Found,
    Row,
    Unreadable,
    encoding_of,
    lines,
)

COLUMNS = ("candidate", "question", "text", "attempt")
MOST_COLUMNS = 20
MOST_LINE = 4 * 1024 * 1024
MOST_PART = 128 * 1024 * 1024
MOST_SHEET_ROWS = 1_048_576
EXACT_DIGITS = 15
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


def csv_rows(path: Path) -> Iterator[Found]:
    """(line on which the row begins, row)."""
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
    while line := file.readline(MOST_LINE):
        if len(line) == MOST_LINE and not line.endswith(("\n", "\r")):
            raise BadDocument(_("a line is longer than %d characters") % MOST_LINE)
        yield line


def _header(cells: Sequence[Any]) -> list[str]:
    header = [str(cell or "").strip().lower() for cell in cells]
    if not any(header):
        raise BadDocument(_("the file is empty, or its first line is"))
    found = [_("column %s is missing") % column for column in COLUMNS[:3] if column not in header]
    named = [column for column in header if column]
    found += [_("column %s is not known") % column for column in named if column not in COLUMNS]
    found += [_("column %s is there twice") % name for name in COLUMNS if named.count(name) > 1]
    if found:
        raise BadDocument("; ".join(found))
    return header


def _row(header: Sequence[str], cells: Sequence[Any]) -> Row | Unreadable:
    told = {name: cell for name, cell in zip(header, cells, strict=False) if name}
    row: Row = {"text": "", **told}
    for name in ("candidate", "question", "attempt"):
        row[name] = str(row.get(name, "")).strip()
    attempt = row.pop("attempt")
    if attempt:
        row["attempt"] = int(attempt) if WHOLE.fullmatch(attempt) else attempt
    if reason := _reason(header, cells):
        return Unreadable(reason, row["candidate"], row.get("attempt", 1))
    return row


def _reason(header: Sequence[str], cells: Sequence[Any]) -> str:
    if any(cells[len(header) :]):
        words = {"cells": len(cells), "columns": len(header)}
        return _("%(cells)d cells, %(columns)d columns") % words
    found = [
        _("column %(name)s holds %(what)s") % {"name": name, "what": cell.what}
        for name, cell in zip(header, cells, strict=False)
        if isinstance(cell, NoText)
    ]
    return "; ".join(found)


def jsonl_rows(path: Path) -> Iterator[Found]:
    """(line, object)."""
    encoding = encoding_of(path)
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
    """What a cell of a sheet holds instead of a text or a number."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __str__(self) -> str:
        return ""


def xlsx_rows(path: Path) -> Iterator[Found]:
    """(row number, row) of the first sheet."""
    with archives.opened(path) as archive:
        archives.prove(archive, MOST_PART)
    try:
        with path.open("rb") as file:
            yield from _sheet_rows(load_workbook(file, read_only=True, data_only=True))
    except XLSX_ERRORS as error:
        raise BadDocument(_("not a readable XLSX file: %s") % error) from error


def _sheet_rows(book: Any) -> Iterator[Found]:
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # some writers declare fewer cells than they write
    table = sheet.iter_rows(max_col=MOST_COLUMNS)
    header = _header([cell.value for cell in next(table, ())])
    for number, cells in enumerate(table, start=2):
        if number > MOST_SHEET_ROWS:
            raise BadDocument(_("more than %d rows") % MOST_SHEET_ROWS)
        if any(cell.value is not None for cell in cells):
            yield number, _row(header, [_shown(cell) for cell in cells])


def _shown(cell: Any) -> "str | NoText":
    """The cell's value about as the sheet shows it: 1 and not 1.0, 001 under the format 000."""
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
    return str(value).replace("_x000D_", "\r")  # so OOXML writes a carriage return


def _whole(value: int, shape: str) -> "str | NoText":
    if abs(value) >= 10**EXACT_DIGITS:
        return NoText(_("a number of over %d digits; format the column as text") % EXACT_DIGITS)
    return str(value).zfill(len(shape)) if set(shape) == {"0"} else str(value)
