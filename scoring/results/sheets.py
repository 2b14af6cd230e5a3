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
class Columns:
    """A table's columns with their Japanese headings, and its name in both languages."""

    headings: dict[str, str]
    names: tuple[str, str]

    def header(self, headers: str) -> list[str]:
        """The headings in that language."""
        return list(self.headings.values() if headers == "ja" else self.headings)

    def name(self, headers: str) -> str:
        """The sheet's name in that language."""
        return self.names[HEADERS.index(headers)]


def csv_lines(
    columns: Columns, chunks: Iterable[Iterable[Any]], encoding: str, headers: str = "en"
) -> Iterator[bytes]:
    """The table, a piece for each chunk of rows; no cell begins a formula.

    What CP932 cannot write becomes a character that looks alike, else its NFKC form, else its base
    letter, else 〓.
    """
    encoder = codecs.getincrementalencoder(encoding)()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns.header(headers))
    for rows in chunks:
        writer.writerows(
            [as_text(row[name], encoding) for name in columns.headings] for row in rows
        )
        yield encoder.encode(out.getvalue())
        out.seek(0), out.truncate()
    yield encoder.encode(out.getvalue(), True)


class Book:
    """An XLSX file in the making; a table that is too long for a sheet goes on in another."""

    def __init__(self, headers: str = "en") -> None:
        self.headers = headers
        self.book = Workbook(write_only=True)

    def sheet(self, columns: Columns) -> "Sheet":
        """A further sheet, with its header."""
        return Sheet(self.book, columns, self.headers)

    def close(self) -> IO[bytes]:
        """The file, open at its beginning; the caller sends and closes it."""
        file = tempfile.TemporaryFile()  # noqa: SIM115
        self.book.save(file)
        file.seek(0)
        return file


class Sheet:
    """A table of a book."""

    def __init__(self, book: Workbook, columns: Columns, headers: str) -> None:
        self.book, self.columns, self.headers = book, columns, headers
        self.number = 0
        self._begin()

    def _begin(self) -> None:
        name = self.columns.name(self.headers)
        self.number += 1
        self.sheet = self.book.create_sheet(name if self.number == 1 else f"{name} {self.number}")
        self.sheet.append(self.columns.header(self.headers))
        self.rows = 0

    def append(self, row: Any) -> None:
        """One row."""
        if self.rows == MOST_ROWS:
            self._begin()
        self.sheet.append([as_cell(row[name]) for name in self.columns.headings])
        self.rows += 1


def json_object(exam: str, key: str, chunks: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """`{"exam": …, key: [rows]}`, a piece for each chunk."""
    yield b'{"exam":%b,"%b":[' % (orjson.dumps(exam), key.encode())
    some = False
    for rows in chunks:
        if rows:
            yield (b"," if some else b"") + orjson.dumps(list(rows))[1:-1]
            some = True
    yield b"]}"


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
