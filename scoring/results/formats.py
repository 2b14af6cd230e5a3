"""The formats in which an export is written: a further one is an entry of FORMATS."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scoring.results.sheets import HEADERS, Book, Table, csv_lines, json_object

ENCODINGS = ("utf-8-sig", "cp932")
Parts = Iterator[Sequence[Sequence[Any]]]
"""What is read of an exam, in chunks: of each of the export's tables the next rows."""
Written = Iterable[bytes] | IO[bytes]
"""Pieces that are written as they are sent, or a file that is open at its beginning."""


@dataclass(frozen=True)
class Options:
    """How a file is written, as far as its format takes that; the first values are the defaults."""

    encoding: str = ENCODINGS[0]
    headers: str = HEADERS[0]


@dataclass(frozen=True)
class Button:
    """A file of the format as it is offered for saving; `name` is part of the button's address."""

    name: str
    label: str | Promise
    icon: str
    encoding: str = ENCODINGS[0]


@dataclass(frozen=True)
class Format:
    """One way to write tables; `name` is the file's ending too.

    `takes` are the options that change what is written; a format without buttons is read by
    programs alone, and not sent as a file to be saved.
    """

    name: str
    label: str
    media_type: str
    write: Callable[[str, Sequence[Table], Parts, Options], Written]
    takes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()

    def content_type(self, options: Options) -> str:
        """With the character set where there is a choice of them."""
        if "encoding" not in self.takes:
            return self.media_type
        return f"{self.media_type}; charset={options.encoding.removesuffix('-sig')}"


def _json(exam: str, tables: Sequence[Table], parts: Parts, options: Options) -> Written:
    return json_object(exam, tables, parts)


def _csv(exam: str, tables: Sequence[Table], parts: Parts, options: Options) -> Written:
    """The first table alone: a file has one header."""
    chunks = (rows[0] for rows in parts)
    return csv_lines(tables[0], chunks, options.encoding, options.headers)


def _xlsx(exam: str, tables: Sequence[Table], parts: Parts, options: Options) -> Written:
    """A sheet for each table. Whole only at its end, so it goes through a temporary file."""
    book = Book(options.headers)
    sheets = [book.sheet(table) for table in tables]
    for chunk in parts:
        for sheet, rows in zip(sheets, chunk, strict=True):
            sheet.extend(rows)
    return book.close()


FORMATS = {
    one.name: one
    for one in (
        Format("json", "JSON", "application/json", _json),
        Format(
            "csv",
            "CSV",
            "text/csv",
            _csv,
            takes=("encoding", "headers"),
            buttons=(
                # With a byte order mark, so that Excel knows it; CP932 for older Japanese software.
                Button("csv", _("CSV (UTF-8)"), "csv"),
                Button("cp932", _("CSV (CP932)"), "csv", encoding="cp932"),
            ),
        ),
        Format(
            "xlsx",
            "XLSX",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            _xlsx,
            takes=("headers",),
            buttons=(Button("xlsx", _("Excel"), "table"),),
        ),
    )
}
"""By name; the first is the default."""
