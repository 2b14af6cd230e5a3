"""The formats of exported files. A new format is one more entry of FORMATS."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scoring.results.sheets import HEADERS, Book, Table, csv_pieces, json_object

ENCODINGS = ("utf-8-sig", "cp932")
Chunks = Iterator[Sequence[Sequence[Any]]]
"""An export's rows as they are read: each chunk has the next rows of each table, in their order."""
Content = Iterable[bytes] | IO[bytes]
"""A file's content: pieces that are made while they are sent, or a file open at its beginning."""


@dataclass(frozen=True)
class Options:
    """Options of a file. A format ignores those that are not among its `takes`.

    `encoding` is one of ENCODINGS and `headers`, the language of the headings, one of HEADERS.
    """

    encoding: str = ENCODINGS[0]
    headers: str = HEADERS[0]


@dataclass(frozen=True)
class Button:
    """A button that saves a file of a format; `name` is part of its URL."""

    name: str
    label: str | Promise
    icon: str
    encoding: str = ENCODINGS[0]


@dataclass(frozen=True)
class Format:
    """A file format; `name` is also the extension of its files.

    `write` takes the exam's code, the tables, their chunks and the options. `takes` names the
    options that it uses. A format without buttons is for programs, and is not sent as a file to
    save.
    """

    name: str
    label: str
    media_type: str
    write: Callable[[str, Sequence[Table], Chunks, Options], Content]
    takes: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()

    def content_type(self, options: Options) -> str:
        """The media type, with the character set where the format takes an encoding."""
        if "encoding" not in self.takes:
            return self.media_type
        return f"{self.media_type}; charset={options.encoding.removesuffix('-sig')}"


def _json(exam: str, tables: Sequence[Table], chunks: Chunks, options: Options) -> Content:
    return json_object(exam, tables, chunks)


def _csv(exam: str, tables: Sequence[Table], chunks: Chunks, options: Options) -> Content:
    # The first table only, because a CSV file has one header.
    first_rows = (chunk[0] for chunk in chunks)
    return csv_pieces(tables[0], first_rows, options.encoding, options.headers)


def _xlsx(exam: str, tables: Sequence[Table], chunks: Chunks, options: Options) -> Content:
    """A temporary file with a sheet for each table: XLSX is a ZIP, complete only at its end."""
    book = Book(options.headers)
    sheets = [book.sheet(table) for table in tables]
    for chunk in chunks:
        for sheet, rows in zip(sheets, chunk, strict=True):
            sheet.extend(rows)
    return book.close()


FORMATS = {
    file_format.name: file_format
    for file_format in (
        Format("json", "JSON", "application/json", _json),
        Format(
            "csv",
            "CSV",
            "text/csv",
            _csv,
            takes=("encoding", "headers"),
            buttons=(
                # UTF-8 has a byte order mark, without which Excel takes it for the local encoding.
                # CP932 is for older Japanese software.
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
"""Formats by name; the first is the default."""
