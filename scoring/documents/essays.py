"""One text a file: ZIP archives of TXT, DOCX and PDF named `{candidate}_{question}`."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse
from django.utils.translation import gettext as _

from scoring.documents import archives
from scoring.documents.base import BadDocument, Found, Row, Unreadable, decoded
from scoring.documents.pdfs import Pdfs

MOST_ENTRY = 20 * 1024 * 1024
# Word's own marks, not the text: properties, what was struck out, readings beside the characters,
# and the second copy of a text box that old programs read.
NOT_TEXT = frozenset(
    ("pPr", "rPr", "tblPr", "trPr", "tcPr", "sectPr", "del", "moveFrom", "rt", "Fallback")
)
BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-"}
Readers = Mapping[str, Callable[[bytes], str]]


def zip_rows(path: Path) -> Iterator[Found]:
    """(number of the entry, row); an entry that cannot be read is Unreadable."""
    left = archives.MOST_UNFOLDED
    with archives.opened(path) as archive, closing(Pdfs()) as pdfs:
        readers = {".txt": decoded, ".docx": docx_text, ".pdf": pdfs.text}
        for number, entry in enumerate(archive.infolist(), start=1):
            name = PurePosixPath(archives.name_of(entry))
            if entry.is_dir() or name.name.startswith(".") or "__MACOSX" in name.parts:
                continue
            row, size = _row(archive, entry, name, readers)
            left -= size
            if left < 0:
                raise BadDocument(_("unfolds to more than %d bytes") % archives.MOST_UNFOLDED)
            yield number, row


def _row(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: PurePosixPath, readers: Readers
) -> tuple[Row | Unreadable, int]:
    """The row, and how many bytes were unfolded for it."""
    candidate, _underscore, question = name.stem.rpartition("_")
    if not candidate:
        return Unreadable(_("%s: the name is not candidate_question") % name.name), 0
    size = 0
    try:
        read = _reader(name.suffix.lower(), readers)
        size = MOST_ENTRY
        data = archives.read(archive, entry, MOST_ENTRY)
        size = len(data)
        return {"candidate": candidate, "question": question, "text": read(data)}, size
    except BadDocument as error:
        return Unreadable(f"{name.name}: {error}", candidate), size


def _reader(kind: str, readers: Readers) -> Callable[[bytes], str]:
    if kind not in readers:
        raise BadDocument(_("%s: TXT, DOCX and PDF are read") % (kind or _("no ending")))
    return readers[kind]


def docx_text(data: bytes) -> str:
    """Paragraphs, those of tables and text boxes too, a line each. Raises BadDocument."""
    with archives.opened(io.BytesIO(data)) as archive:
        try:
            return _words(archives.read(archive, archive.getinfo(_main(archive)), MOST_ENTRY))
        except (KeyError, ParseError, DefusedXmlException) as error:
            raise BadDocument(_("not a readable DOCX file: %s") % error) from error


def _main(archive: zipfile.ZipFile) -> str:
    """The part that holds the text; not every program calls it word/document.xml."""
    told = archives.read(archive, archive.getinfo("_rels/.rels"), MOST_ENTRY)
    for relation in fromstring(told, forbid_dtd=True):
        if relation.get("Type", "").endswith("/officeDocument"):
            return str(relation.get("Target", "")).removeprefix("/")
    raise KeyError("there is no main part")


def _words(xml: bytes) -> str:
    found: list[str] = []
    hidden = 0
    for event, node in iterparse(io.BytesIO(xml), events=("start", "end"), forbid_dtd=True):
        name = node.tag.rpartition("}")[2]
        if name in NOT_TEXT:
            hidden += 1 if event == "start" else -1
        elif not hidden:
            found.append(_word(event, name, node.text or ""))
        if event == "end":
            node.clear()
    return "".join(found).removesuffix("\n")


def _word(event: str, name: str, text: str) -> str:
    if event == "start":
        return BREAKS.get(name, "")
    return {"t": text, "p": "\n"}.get(name, "")
