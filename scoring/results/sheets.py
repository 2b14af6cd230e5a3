"""Write tables as CSV, XLSX and JSON while their rows are read."""

import codecs
import csv
import io
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import orjson
from openpyxl import Workbook

from scoring.documents.formulas import escaped

HEADERS = ("en", "ja")
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
GETA = "〓"
"""The sign that Japanese typography puts in the place of a character that it cannot print."""
SIMILAR = str.maketrans("—–¥‾", "―‐￥￣")
MOST_ROWS = 1_000_000
"""Rows of a sheet, without its header. XLSX allows 1,048,576."""


@dataclass(frozen=True)
class Table:
    """The columns of a table, in order.

    `key` is its name in JSON, and `row` the TypedDict of its rows. `headings` maps each column to
    its Japanese heading; the English one is the column's name. `names` are the names of its sheet,
    in the order of HEADERS. `words` turn the codes of some columns into Japanese.
    """

    key: str
    row: type
    headings: dict[str, str]
    names: tuple[str, str]
    words: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def header(self, headers: str) -> list[str]:
        """The headings in the language `headers`, one of HEADERS."""
        return list(self.headings.values() if headers == "ja" else self.headings)

    def values(self, row: Any, headers: str) -> list[Any]:
        """The values of a row in the order of the columns, in the language `headers`."""
        words = self.words if headers == "ja" else {}
        return [words[name](row[name]) if name in words else row[name] for name in self.headings]

    def name(self, headers: str) -> str:
        """The sheet's name in the language `headers`, one of HEADERS."""
        return self.names[HEADERS.index(headers)]


def csv_pieces(
    table: Table, chunks: Iterable[Iterable[Any]], encoding: str, headers: str = "en"
) -> Iterator[bytes]:
    """Yield a CSV file of the table, one piece for each chunk of rows.

    Texts that a spreadsheet would run as a formula begin with an apostrophe. A character that the
    encoding lacks is replaced by the first of these that it has: a character that looks alike, the
    NFKC form, the base letter, 〓.
    """
    encoder = codecs.getincrementalencoder(encoding)()
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(table.header(headers))
    for rows in chunks:
        writer.writerows(
            [as_text(value, encoding) for value in table.values(row, headers)] for row in rows
        )
        yield encoder.encode(out.getvalue())
        out.seek(0), out.truncate()
    yield encoder.encode(out.getvalue(), True)


class Book:
    """An XLSX file that is being written, with the headings in the language `headers`."""

    def __init__(self, headers: str = "en") -> None:
        self.headers = headers
        self.book = Workbook(write_only=True)

    def sheet(self, table: Table) -> "Sheet":
        """Add a sheet with the table's header, to which rows can be added."""
        return Sheet(self.book, table, self.headers)

    def close(self) -> IO[bytes]:
        """Return the file, open at its beginning, which the caller closes."""
        file = tempfile.TemporaryFile()  # noqa: SIM115
        self.book.save(file)
        file.seek(0)
        return file


class Sheet:
    """A table in a book. After MOST_ROWS rows it continues on a further sheet."""

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
        """Add rows of the table."""
        for row in rows:
            if self.rows == MOST_ROWS:
                self._begin()
            self.sheet.append([as_cell(value) for value in self.table.values(row, self.headers)])
            self.rows += 1


def json_object(
    exam: str, tables: Sequence[Table], chunks: Iterable[Sequence[Sequence[Any]]]
) -> Iterator[bytes]:
    """Yield `{"exam": code, key: [rows], …}` with the key of each table, in pieces.

    Each chunk has the next rows of each table. Those of the first table are sent as they are read.
    The other tables follow after it, so their rows are held as JSON until the end.
    """
    first, *others = tables
    pieces_of_others: list[list[bytes]] = [[] for _ in others]
    separator = b""
    yield b'{"exam":%b,"%b":[' % (orjson.dumps(exam), first.key.encode())
    for first_rows, *other_rows in chunks:
        if first_rows:
            yield separator + _json_rows(first_rows)
            separator = b","
        for pieces, rows in zip(pieces_of_others, other_rows, strict=True):
            pieces += [_json_rows(rows)] if rows else []
    for table, pieces in zip(others, pieces_of_others, strict=True):
        yield b'],"%b":[' % table.key.encode() + b",".join(pieces)
    yield b"]}"


def _json_rows(rows: Sequence[Any]) -> bytes:
    """The rows as JSON, without the brackets of a list."""
    return orjson.dumps(list(rows))[1:-1]


def as_text(value: Any, encoding: str) -> Any:
    """The value as it is written to CSV: times in ISO 8601, objects as `key=value key=value`."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return str(value).lower()
    value = _joined(value)
    # Encode first: CP932 turns ﹦ into =, which may begin a formula, and ﹐ into a comma, which the
    # CSV writer must quote.
    return escaped(_encodable(value, encoding)) if isinstance(value, str) else value


def as_cell(value: Any) -> Any:
    """The value as it is written to a cell of a sheet, which cannot hold a time with its zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0)
    value = _joined(value)
    return NOT_IN_XML.sub("\ufffd", escaped(value)) if isinstance(value, str) else value


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{key}={member}" for key, member in value.items())
    return " ".join(value) if isinstance(value, list) else value


def _encodable(text: str, encoding: str) -> str:
    """The text with the characters replaced that the encoding lacks."""
    if text.isascii() or encoding.startswith("utf"):
        return text
    return text.encode(encoding, "pmscoring.similar").decode(encoding)


def _replacements(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_replacement(character, error.encoding) for character in missing), error.end


def _replacement(character: str, encoding: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    parts = unicodedata.normalize("NFKD", character)
    base = "".join(part for part in parts if not unicodedata.combining(part))
    for form in (character.translate(SIMILAR), folded, base):
        if form and _is_encodable(form, encoding):
            return form
    return GETA


def _is_encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


codecs.register_error("pmscoring.similar", _replacements)
