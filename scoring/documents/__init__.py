"""Port: reads answers from tables (CSV, TSV, XLSX, JSONL) and ZIPs of TXT, HTML, DOCX and PDF.

Marks are read from tables only.

What is read is what the sender saw on the screen; where that is not certain, the row is refused.

Files are not trusted: the size of unpacked archives is limited, and XML must not declare entities.
"""

import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath

from pmscoring.base.words import words as _
from scoring.documents import markup
from scoring.documents.answers import Answers
from scoring.documents.base import (
    BadDocument,
    Place,
    PlacedRow,
    Questions,
    Row,
    Skipped,
    Table,
    Unreadable,
    lines,
)
from scoring.documents.essays import zip_rows
from scoring.documents.headings import NOT_READ, Contents
from scoring.documents.marks import Marks
from scoring.documents.tables import csv_rows, jsonl_rows, xlsx_rows

__all__ = [
    "EXTENSIONS",
    "MARK_EXTENSIONS",
    "NOT_READ",
    "BadDocument",
    "Place",
    "PlacedRow",
    "Questions",
    "Row",
    "Skipped",
    "Table",
    "Unreadable",
    "lines",
    "mark_rows",
    "reader",
    "refuse_archive",
    "rows",
]
MOST_ROWS = 200_000
LOST = re.compile("[\ufffd\u0080-\u0084\u0086-\u009f]")
"""What programs write for bytes that they could not decode, or decoded as Latin-1."""
OWN = re.compile("[\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff]")
"""Characters that a computer defines for itself (gaiji), and those that are none."""
Read = Row | Unreadable | Skipped | Table
NO_QUESTIONS: Questions = {}
Reader = Callable[[Path, Contents], Iterator[PlacedRow]]
READERS: dict[str, Reader] = {
    ".csv": csv_rows,
    ".tsv": csv_rows,
    ".txt": csv_rows,
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".xlsx": xlsx_rows,
    ".xlsm": xlsx_rows,
    ".zip": zip_rows,
}
EXTENSIONS = tuple(READERS)
"""Of the names of files that can be read."""
MARK_EXTENSIONS = tuple(name for name in READERS if name != ".zip")
"""Of the names of files of marks, which are tables."""


def reader(name: str) -> Reader:
    """The function that reads files with the extension of `name`.

    Raises BadDocument where the extension is none of READERS.
    """
    extension = PurePosixPath(name.lower()).suffix
    if extension not in READERS:
        raise BadDocument(
            _("%s: only CSV, TSV, TXT, XLSX, XLSM, JSONL and ZIP files can be read")
            % (extension or _("no extension"))
        )
    return READERS[extension]


def rows(
    name: str, path: Path, questions: Questions = NO_QUESTIONS, *, is_html: bool = False
) -> Iterator[PlacedRow]:
    """Read the rows of the file at `path`, which was uploaded under `name`, as they are iterated.

    `questions` are those that headings, cells and names of files may mean. With `is_html` the texts
    of a table are HTML; in an archive the name of each file says what it is. For a row that cannot
    be read there is an Unreadable. Raises BadDocument where the file as a whole cannot be read.
    """
    is_html = is_html and reader(name) is not zip_rows
    for place, row in _rows(name, path, Answers(questions)):
        if is_html and isinstance(row, dict):
            yield from ((place, _certain(each)) for each in _shown(row))
        else:
            yield place, _certain(row)


def mark_rows(
    name: str, path: Path, questions: Questions, criteria: Collection[str]
) -> Iterator[PlacedRow]:
    """The same for a table of marks; `criteria` are the folded names that may be headings.

    A row has the candidate, the question, and of `points`, `criteria` (points by name), `comment`,
    `marker` and `source` what the table says. Raises BadDocument for an archive.
    """
    refuse_archive(name)
    for place, row in _rows(name, path, Marks(questions, criteria)):
        yield place, _certain(row)


def refuse_archive(name: str) -> None:
    """Raise BadDocument where the name is not that of a table, and so not that of marks."""
    if reader(name) is zip_rows:
        raise BadDocument(_("marks are read from CSV, TSV, TXT, XLSX, XLSM and JSONL files only"))


def _rows(name: str, path: Path, contents: Contents) -> Iterator[PlacedRow]:
    try:
        for count, row in enumerate(reader(name)(path, contents)):
            if count >= MOST_ROWS:
                raise BadDocument(_("more than %d rows") % MOST_ROWS)
            yield row
    except FileNotFoundError as error:
        raise BadDocument(_("the stored file no longer exists; upload it again")) from error


def _certain(row: Read) -> Read:
    """The row, refused where it has characters that are not what its sender saw."""
    if not isinstance(row, dict):
        return row
    for name in ("candidate", "text", "comment", "marker"):
        value = row.get(name)
        if isinstance(value, str) and (reason := _uncertain(value)):
            candidate, attempt = str(row.get("candidate", "")), row.get("attempt", 1)
            return Unreadable(reason, candidate, attempt, f"/{name}")
    return row


def _uncertain(text: str) -> str:
    """Why the text is not what its sender saw, or an empty string."""
    if sign := LOST.search(text):
        reason = _("%(sign)s at offset %(offset)d: a character was lost before; send the original")
    elif sign := OWN.search(text):
        reason = _(
            "%(sign)s at offset %(offset)d: a character that only some computers show;"
            " write another"
        )
    else:
        return ""
    return reason % {"sign": f"U+{ord(sign[0]):04X}", "offset": sign.start()}


def _shown(row: Row) -> Iterator[Row | Unreadable | Skipped]:
    """The row with the text that its HTML shows."""
    if not isinstance(text := row.get("text"), str):
        yield row
        return
    try:
        essay = markup.shown(text)
    except BadDocument as error:
        candidate, attempt = str(row.get("candidate", "")), row.get("attempt", 1)
        yield Unreadable(str(error), candidate, attempt, "/text")
    else:
        yield {**row, "text": essay.text}
        yield from map(Skipped, essay.notes)
