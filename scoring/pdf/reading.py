"""The text of a PDF file: what was typed into it, or else what is printed on its pages."""

from pypdf import PdfReader

from scoring.pdf import layout
from scoring.pdf.fields import typed
from scoring.pdf.painting import Painter, Painting
from scoring.pdf.refused import Refused

MOST_PAGES = 100
MOST_TEXT = 20 * 1024 * 1024
OUTLINES = 100
"""Curves on a page without text, from which they are taken for text in outlines."""


def text(reader: PdfReader) -> tuple[str, bool]:
    """The text, and whether it is what was typed and not what is printed. Raises Refused."""
    if reader.is_encrypted:
        raise Refused("encrypted")
    if len(reader.pages) > MOST_PAGES:
        raise Refused("pages", value=MOST_PAGES)
    found = typed(reader)
    if len(found.fields) > 1:
        raise Refused("fields", value=", ".join(found.fields))
    if found.texts:
        return "\n".join(found.texts), True
    if found.empty:
        raise Refused("empty")
    return _printed(reader), False


def _printed(reader: PdfReader) -> str:
    painter, texts, pictures = Painter(reader), list[str](), list[int]()
    for number, page in enumerate(reader.pages, start=1):
        painting = painter.paint(page, number)
        texts.append(layout.text(painting.runs, number))
        if sum(map(len, texts)) > MOST_TEXT:
            raise Refused("long", value=MOST_TEXT)
        if not texts[-1].strip() and _is_picture(painting):
            pictures.append(number)
    if not any(each.strip() for each in texts):
        raise Refused("no text")
    if pictures:
        raise Refused("picture", pictures[0])
    return "\n".join(each for each in texts if each)


def _is_picture(painting: Painting) -> bool:
    return bool(painting.images) or painting.curves > OUTLINES
