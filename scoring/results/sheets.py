"""Tables as CSV, XLSX and JSON, written as they are read."""

import codecs
import csv
import io
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson
from openpyxl import Workbook

HEADERS = ("en", "ja")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
GETA = "〓"
SIMILAR = str.maketrans("—–¥‾", "―‐￥￣")
MOST_ROWS = 1_000_000
"""A sheet takes 48,576 more."""


@dataclass(frozen=True)
class Table:
    """A table's columns with their Japanese headings, and its name in both languages.

    `row` is the shape of its rows, `key` its name in JSON.
    """

    key: str
    row: type
    headings: dict[str, str]
    names: tuple[str, str]

    def header(self, headers: str) -> list[str]:
        """The headings in that language."""
        return list(self.headings.values() if headers == "ja" else self.headings)

    def name(self, headers: str) -> str:
        """The sheet's name in that language."""
        return self.names[HEADERS.index(headers)]


def csv_lines(
    table: Table, chunks: Iterable[Iterable[Any]], encoding: str, headers: str = "en"
) -> Iterator[bytes]:
    """The table, a piece for each chunk of rows; no cell begins a formula.

    What CP932 cannot write becomes a character that looks alike, else its NFKC form, else its base
    letter, else 〓.
    """
    encoder = codecs.getincrementalencoder(encoding)()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(table.header(headers))
    for rows in chunks:
        writer.writerows([as_text(row[name], encoding) for name in table.headings] for row in rows)
        yield encoder.encode(out.getvalue())
        out.seek(0), out.truncate()
    yield encoder.encode(out.getvalue(), True)


class Book:
    """An XLSX file in the making; a table that is too long for a sheet goes on in another."""

    def __init__(self, headers: str = "en") -> None:
        self.headers = headers
        self.book = Workbook(write_only=True)

    def sheet(self, table: Table) -> "Sheet":
        """A further sheet, with its header."""
        return Sheet(self.book, table, self.headers)

    def close(self) -> IO[bytes]:
        """The file, open at its beginning; the caller sends and closes it."""
        file = tempfile.TemporaryFile()  # noqa: SIM115
        self.book.save(file)
        file.seek(0)
        return file


class Sheet:
    """A table of a book."""

    def __init__(self, book: Workbook, table: Table, headers: str) -> None:
        self.book, self.table, self.headers = book, table, headers
        self.number = 0
        self._begin()

    def _begin(self) -> None:
        name = self.table.name(self.headers)
        self.number += 1
        self.sheet = self.book.create_sheet(name if self.number == 1 else f"{name} {self.number}")
        self.sheet.append(self.table.header(self.headers))
        self.rows = 0

    def extend(self, rows: Iterable[Any]) -> None:
        """Further rows."""
        for row in rows:
            if self.rows == MOST_ROWS:
                self._begin()
            self.sheet.append([as_cell(row[name]) for name in self.table.headings])
            self.rows += 1


def json_object(
    exam: str, tables: Sequence[Table], parts: Iterable[Sequence[Sequence[Any]]]
) -> Iterator[bytes]:
    """`{"exam": …, key: [rows], …}`, a piece for each chunk.

    The rows of the first table are sent as they are read; those of the others, which come after
    them, are kept as JSON until the end.
    """
    first, *others = tables
    kept: list[list[bytes]] = [[] for _ in others]
    some = False
    yield b'{"exam":%b,"%b":[' % (orjson.dumps(exam), first.key.encode())
    for rows, *rest in parts:
        if rows:
            yield (b"," if some else b"") + _json_rows(rows)
            some = True
        for pieces, more in zip(kept, rest, strict=True):
            pieces += [_json_rows(more)] if more else []
    for table, pieces in zip(others, kept, strict=True):
        yield b'],"%b":[' % table.key.encode() + b",".join(pieces)
    yield b"]}"


def _json_rows(rows: Sequence[Any]) -> bytes:
    """Without the brackets around them."""
    return orjson.dumps(list(rows))[1:-1]


def as_text(value: Any, encoding: str) -> Any:
    """As CSV has it: a moment in ISO 8601, an object as `key=value` with spaces between."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return str(value).lower()
    value = _joined(value)
    # First what the encoding makes of it: of ﹦ it makes a =, and of ﹐ a comma to be quoted.
    return _safe(_written(value, encoding)) if isinstance(value, str) else value


def as_cell(value: Any) -> Any:
    """As a sheet has it: a moment as the clock showed it, for a cell knows no time zones."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0)
    value = _joined(value)
    return NOT_IN_XML.sub("\ufffd", _safe(value)) if isinstance(value, str) else value


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return " ".join(value) if isinstance(value, list) else value


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _written(text: str, encoding: str) -> str:
    """As it will be read again from the file; UTF-8 writes all as it is."""
    if text.isascii() or encoding.startswith("utf"):
        return text
    return text.encode(encoding, "pmscoring.similar").decode(encoding)


def _similar(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    return "".join(_nearest(character, error.encoding) for character in unknown), error.end


def _nearest(character: str, encoding: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    for form in (character.translate(SIMILAR), folded, base):
        if form and _is_written(form, encoding):
            return form
    return GETA


def _is_written(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


codecs.register_error("pmscoring.similar", _similar)
