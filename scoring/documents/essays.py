"""ZIP archives of TXT, HTML, DOCX and PDF files, one text each, named `{candidate}_{question}`."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from os.path import splitext
from pathlib import Path, PurePosixPath

from pmscoring.base import texts
from pmscoring.base.words import words as _
from scoring.documents import archives, markup
from scoring.documents.base import (
    BadDocument,
    Essay,
    Place,
    PlacedRow,
    Questions,
    Row,
    Skipped,
    Unreadable,
    question_code,
)
from scoring.documents.encodings import decoded
from scoring.documents.headings import Contents
from scoring.documents.pdfs import Pdfs
from scoring.documents.word import docx_text

MOST_ENTRY = 20 * 1024 * 1024
OFFICE = (".doc", ".dot", ".odt", ".ott", ".rtf", ".pages", ".wps", ".wpd", ".jtd", ".jtdc", ".md")
"""Of programs that can save DOCX or text too."""
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".xlsm", ".xls", ".ods", ".zip")
IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".webp", ".svg")
OF_COMPUTERS = ("thumbs.db", "desktop.ini", ".ds_store")
Reader = Callable[[bytes], Essay]
Readers = Mapping[str, Reader]


def zip_rows(path: Path, contents: Contents) -> Iterator[PlacedRow]:
    """A row for each file in the archive, and what was not read of it.

    Folders and what macOS adds are left out. Raises BadDocument where the archive is refused.
    """
    left = archives.MOST_UNPACKED
    with archives.open_archive(path) as archive, closing(Pdfs()) as pdfs:
        word = dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), docx_text)
        readers = {".txt": _plain, ".pdf": pdfs.text, **word, ".html": _html, ".htm": _html}
        for number, entry in enumerate(archive.infolist(), start=1):
            path_inside = PurePosixPath(archives.name_of(entry))
            if (
                entry.is_dir()
                or path_inside.name.startswith("._")
                or "__MACOSX" in path_inside.parts
            ):
                continue
            rows, size = _rows(archive, entry, path_inside.name, readers, contents.questions)
            left -= size
            if left < 0:
                raise BadDocument(_("larger than %d bytes when unpacked") % archives.MOST_UNPACKED)
            yield from ((Place(number, file=str(path_inside)), row) for row in rows)


def _rows(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    name: str,
    readers: Readers,
    questions: Questions,
) -> tuple[list[Row | Unreadable | Skipped], int]:
    """The row and what was not read, and the number of bytes that were unpacked for it."""
    if name.startswith(("~$", ".~lock.")) or name.casefold() in OF_COMPUTERS:
        return [Skipped(_("a file that programs leave behind, not read"))], 0
    # By the rule of candidates' ids, so that a full-width underscore separates too.
    stem, extension = splitext(texts.identifier(name))
    candidate, _underscore, question = stem.rpartition("_")
    if not candidate and extension.lower() not in TABLES:
        return [Unreadable(_("the name does not have the form candidate_question"))], 0
    size = 0
    try:
        read = _reader(extension.lower(), readers)
        size = MOST_ENTRY  # What an entry that is refused may have cost.
        data = archives.read(archive, entry, MOST_ENTRY)
        size = len(data)
        essay = read(data)
    except BadDocument as error:
        return [Unreadable(error.reason, candidate)], size
    code = question_code(question, questions)
    row = {"candidate": candidate, "question": code, "text": essay.text}
    return [row, *map(Skipped, essay.notes)], size


def _plain(data: bytes) -> Essay:
    return Essay(decoded(data))


def _html(data: bytes) -> Essay:
    return markup.shown(decoded(data, is_html=True))


def _reader(extension: str, readers: Readers) -> Reader:
    if extension in OFFICE:
        raise BadDocument(_("%s: save the file as DOCX or as text (TXT)") % extension)
    if extension in TABLES:
        raise BadDocument(_("%s: a table or an archive; upload it on its own") % extension)
    if extension in IMAGES:
        raise BadDocument(_("%s: a picture instead of text; type the answer") % extension)
    if extension not in readers:
        raise BadDocument(
            _("%s: only TXT, HTML, DOCX and PDF files can be read")
            % (extension or _("no extension"))
        )
    return readers[extension]
