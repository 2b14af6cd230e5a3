"""Port: rows and texts out of CSV, XLSX, JSONL, and ZIP of TXT, DOCX and PDF.

Files are not trusted: archives may not unfold beyond bounds, XML may not name entities.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from django.utils.translation import gettext as _

from scoring.documents.base import BadDocument, Found, Row, Unreadable, lines
from scoring.documents.essays import zip_rows
from scoring.documents.tables import csv_rows, jsonl_rows, xlsx_rows

__all__ = ["BadDocument", "Found", "Row", "Unreadable", "lines", "reader", "rows"]
MOST_ROWS = 200_000
READERS: dict[str, Callable[[Path], Iterator[Found]]] = {
    ".csv": csv_rows,
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".xlsx": xlsx_rows,
    ".zip": zip_rows,
}


def reader(name: str) -> Callable[[Path], Iterator[Found]]:
    """What reads a file of this name. Raises BadDocument."""
    kind = PurePosixPath(name.lower()).suffix
    if kind not in READERS:
        raise BadDocument(_("%s: CSV, XLSX, JSONL and ZIP are read") % (kind or _("no ending")))
    return READERS[kind]


def rows(name: str, path: Path) -> Iterator[Found]:
    """(line, row) of the file at `path` that its owner calls `name`, read as it is asked for.

    The line of a bad row comes with an Unreadable; the line of a ZIP is its entry's number.
    Raises BadDocument.
    """
    try:
        for count, found in enumerate(reader(name)(path)):
            if count >= MOST_ROWS:
                raise BadDocument(_("more than %d rows") % MOST_ROWS)
            yield found
    except FileNotFoundError as error:
        raise BadDocument(_("the stored file is gone; upload it again")) from error
