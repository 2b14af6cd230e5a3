"""The text of a PDF file: what was typed into it, or else what is printed on its pages."""

from collections.abc import Sequence
from typing import NamedTuple

from pypdf import PdfReader

from scoring.pdf import layout
from scoring.pdf.fields import typed
from scoring.pdf.margins import Page, without
from scoring.pdf.painting import Painter, Painting
from scoring.pdf.refused import Refused

MOST_PAGES = 100
MOST_TEXT = 20 * 1024 * 1024
OUTLINES = 100
"""Curves on a page without text, from which they are taken for text in outlines."""


class Reading(NamedTuple):
    """The text, and whether it is what was typed into the file and not what is printed there.

    `left_out` are page numbers and running headers, `doubtful` lines that may be some and were
    read.
    """

    text: str
    is_typed: bool = False
    left_out: Sequence[str] = ()
    doubtful: Sequence[str] = ()


def text(reader: PdfReader) -> Reading:
    """What the file says. Raises Refused."""
    if reader.is_encrypted:
        raise Refused("encrypted")
    if len(reader.pages) > MOST_PAGES:
        raise Refused("pages", value=MOST_PAGES)
    found = typed(reader)
    if len(found.fields) > 1:
        raise Refused("fields", value=", ".join(found.fields))
    if found.texts:
        return Reading("\n".join(found.texts), is_typed=True)
    if found.empty:
        raise Refused("empty")
    return _printed(reader)


def _printed(reader: PdfReader) -> Reading:
    painter, pages, has_picture, size = Painter(reader), list[Page](), list[bool](), 0
    for number, page in enumerate(reader.pages, start=1):
        painting, box = painter.paint(page, number), page.cropbox
        pages.append(Page(number, painting.runs, float(box.bottom), float(box.top)))
        has_picture.append(_is_picture(painting))
        size += sum(len(run.text) for run in painting.runs)
        if size > MOST_TEXT:
            raise Refused("long", value=MOST_TEXT)
    margins = without(pages)
    texts = [layout.text(runs, number) for number, runs in enumerate(margins.runs, start=1)]
    pictures = [
        number
        for number, is_picture in enumerate(has_picture, start=1)
        if is_picture and not texts[number - 1].strip()
    ]
    if not any(each.strip() for each in texts):
        raise Refused("no text")
    if pictures:
        raise Refused("picture", pictures[0])
    read = "\n".join(each for each in texts if each)
    return Reading(read, left_out=margins.left_out, doubtful=margins.doubtful)


def _is_picture(painting: Painting) -> bool:
    return bool(painting.images) or painting.curves > OUTLINES
