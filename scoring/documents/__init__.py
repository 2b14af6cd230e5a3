"""Port: reads answers from CSV, XLSX and JSONL files, and from ZIPs of TXT, DOCX and PDF files.

Files are not trusted: the size of unpacked archives is limited, and XML must not declare entities.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from scoring.documents.base import BadDocument, NumberedRow, Row, Unreadable, lines
from scoring.documents.essays import zip_rows
from scoring.documents.tables import csv_rows, jsonl_rows, xlsx_rows

__all__ = ["BadDocument", "NumberedRow", "Row", "Unreadable", "lines", "reader", "rows"]
MOST_ROWS = 200_000
READERS: dict[str, Callable[[Path], Iterator[NumberedRow]]] = {
    ".csv": csv_rows,
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".xlsx": xlsx_rows,
    ".zip": zip_rows,
}


def reader(name: str) -> Callable[[Path], Iterator[NumberedRow]]:
    """The function that reads files with the extension of `name`.

    Raises BadDocument where the extension is none of READERS.
    """
    extension = PurePosixPath(name.lower()).suffix
    if extension not in READERS:
        raise BadDocument(
            _("%s: only CSV, XLSX, JSONL and ZIP files can be read")
            % (extension or _("no extension"))
        )
    return READERS[extension]


def rows(name: str, path: Path) -> Iterator[NumberedRow]:
    """Read the rows of the file at `path`, which was uploaded under `name`, as they are iterated.

    The number is that of the line (of the entry in a ZIP), from 1 on; for a row that cannot be read
    there is an Unreadable. Raises BadDocument where the file as a whole cannot be read.
    """
    try:
        for count, numbered_row in enumerate(reader(name)(path)):
            if count >= MOST_ROWS:
                raise BadDocument(_("more than %d rows") % MOST_ROWS)
            yield numbered_row
    except FileNotFoundError as error:
        raise BadDocument(_("the stored file no longer exists; upload it again")) from error
