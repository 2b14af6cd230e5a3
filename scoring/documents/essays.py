"""ZIP archives of TXT, DOCX and PDF files, one text each, named `{candidate}_{question}`."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from django.utils.translation import gettext as _

from scoring.documents import archives, opc
from scoring.documents.base import (
    BadDocument,
    Place,
    PlacedRow,
    Questions,
    Row,
    Unreadable,
    question_code,
)
from scoring.documents.encodings import decoded
from scoring.documents.pdfs import Pdfs

MOST_ENTRY = 20 * 1024 * 1024
# Elements whose content is not text of the document: properties, deleted and moved text, ruby, and
# the second copy of a text box for old programs.
NOT_TEXT = frozenset(
    ("pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr", "del", "moveFrom", "rt", "Fallback")
)
BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-"}
Readers = Mapping[str, Callable[[bytes], str]]


def zip_rows(path: Path, questions: Questions) -> Iterator[PlacedRow]:
    """A row for each file in the archive.

    Folders and what macOS adds are left out. Raises BadDocument where the archive is refused.
    """
    left = archives.MOST_UNPACKED
    with archives.open_archive(path) as archive, closing(Pdfs()) as pdfs:
        readers = {".txt": decoded, ".docx": docx_text, ".pdf": pdfs.text}
        for number, entry in enumerate(archive.infolist(), start=1):
            name = PurePosixPath(archives.name_of(entry))
            if entry.is_dir() or name.name.startswith(".") or "__MACOSX" in name.parts:
                continue
            row, size = _row(archive, entry, name, readers, questions)
            left -= size
            if left < 0:
                raise BadDocument(_("larger than %d bytes when unpacked") % archives.MOST_UNPACKED)
            yield Place(number, file=str(name)), row


def _row(
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    name: PurePosixPath,
    readers: Readers,
    questions: Questions,
) -> tuple[Row | Unreadable, int]:
    """The row, and the number of bytes that were unpacked for it."""
    candidate, _underscore, question = name.stem.rpartition("_")
    if not candidate:
        return Unreadable(_("the name does not have the form candidate_question")), 0
    size = 0
    try:
        read = _reader(name.suffix.lower(), readers)
        size = MOST_ENTRY  # What an entry that is refused may have cost.
        data = archives.read(archive, entry, MOST_ENTRY)
        size = len(data)
        code = question_code(question, questions)
        return {"candidate": candidate, "question": code, "text": read(data)}, size
    except BadDocument as error:
        return Unreadable(str(error), candidate), size


def _reader(extension: str, readers: Readers) -> Callable[[bytes], str]:
    if extension not in readers:
        raise BadDocument(
            _("%s: only TXT, DOCX and PDF files can be read") % (extension or _("no extension"))
        )
    return readers[extension]


def docx_text(data: bytes) -> str:
    """A line for each paragraph, also of tables and text boxes. Raises BadDocument."""
    with archives.open_archive(io.BytesIO(data)) as archive:
        try:
            return _text(
                archives.read(archive, archive.getinfo(opc.main_part(archive)), MOST_ENTRY)
            )
        except (KeyError, ParseError, DefusedXmlException) as error:
            raise BadDocument(_("not a readable DOCX file: %s") % error) from error


def _text(xml: bytes) -> str:
    pieces: list[str] = []
    hidden = 0  # how many elements of NOT_TEXT are open
    for event, node in iterparse(io.BytesIO(xml), events=("start", "end"), forbid_dtd=True):
        name = node.tag.rpartition("}")[2]
        if name in NOT_TEXT:
            hidden += 1 if event == "start" else -1
        elif not hidden:
            pieces.append(_piece(event, name, node.text or ""))
        if event == "end":
            node.clear()
    return "".join(pieces).removesuffix("\n")


def _piece(event: str, name: str, text: str) -> str:
    if event == "start":
        return BREAKS.get(name, "")
    return {"t": text, "p": "\n"}.get(name, "")
