"""What was typed into a PDF file: the fields of its form and free-text notes on its pages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pypdf import PdfReader

from scoring.pdf.objects import array, dictionary, entry
from scoring.pdf.refused import Refused

HIDDEN = 1 << 1 | 1 << 5
"""Flags of an annotation that is not shown on the screen."""
PASSWORD, PUSHBUTTON = 1 << 13, 1 << 16
NOT_TEXT = (
    *("/Ink", "/Stamp", "/StrikeOut", "/Caret", "/Redact", "/FileAttachment", "/Watermark"),
    *("/Line", "/PolyLine"),
)
"""Annotations that show or cross out something which is no text of the file."""
REMARKS = ("/Text", "/Highlight", "/Underline", "/Squiggly", "/Square", "/Circle", "/Polygon")
"""Annotations that may come with a text of their own, or be filled and cover one."""
MOST_PARENTS = 20


@dataclass
class Typed:
    """What was typed, in the order of pages and downwards, and the number of empty fields."""

    texts: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    empty: int = 0


def typed(reader: PdfReader) -> Typed:
    """What was typed into the file. Raises Refused for what is no text."""
    if "/Collection" in reader.root_object:
        raise Refused("portfolio")
    if entry(dictionary(reader.root_object, "/AcroForm"), "/XFA"):
        raise Refused("xfa")
    found, seen = Typed(), set[int]()
    for number, page in enumerate(reader.pages, start=1):
        notes = [each.get_object() for each in array(page, "/Annots")]
        for note in sorted(filter(_is_shown, notes), key=_place):
            for name, text in _texts(note, number, seen):
                if text.strip():
                    found.texts.append(text)
                    found.fields += [name] if name else []
                else:
                    found.empty += bool(name)
    return found


def _is_shown(note: Any) -> bool:
    return isinstance(note, dict) and not int(entry(note, "/F", 0)) & HIDDEN


def _place(note: Any) -> tuple[float, float]:
    """From the top down, and from the left to the right."""
    corners = [float(each.get_object()) for each in array(note, "/Rect")] or [0, 0, 0, 0]
    return -max(corners[1::2]), min(corners[0::2])


def _texts(note: Any, page: int, seen: set[int]) -> Iterator[tuple[str, str]]:
    """The name of a field, or nothing, and the text of an annotation."""
    kind = entry(note, "/Subtype")
    contents = str(entry(note, "/Contents", ""))
    if kind == "/Widget":
        yield from _field(note, page, seen)
    elif kind == "/FreeText":
        if not contents.strip() and entry(note, "/RC"):
            raise Refused("note", page, "FreeText")
        yield "", contents
    elif kind in NOT_TEXT or (kind in REMARKS and (contents.strip() or array(note, "/IC"))):
        raise Refused("note", page, str(kind).removeprefix("/"))


def _field(note: Any, page: int, seen: set[int]) -> Iterator[tuple[str, str]]:
    owners = list(_owners(note))
    key = next((id(owner) for owner in owners if entry(owner, "/FT")), id(note))
    kind, flags = _inherited(owners, "/FT"), int(_inherited(owners, "/Ff") or 0)
    if kind == "/Btn" and not flags & PUSHBUTTON:
        state = entry(note, "/AS") or _inherited(owners, "/V") or "/Off"
        if state != "/Off":
            raise Refused("box", page, _name(owners))
    elif kind in ("/Tx", "/Ch") and key not in seen and not (kind == "/Tx" and flags & PASSWORD):
        seen.add(key)
        yield _name(owners) or "?", _written(_inherited(owners, "/V"))


def _owners(note: Any) -> Iterator[Any]:
    """A widget and the fields that it belongs to, from the inside out."""
    for _step in range(MOST_PARENTS):
        yield note
        note = entry(note, "/Parent")
        if note is None:
            return


def _inherited(owners: list[Any], name: str) -> Any:
    return next((value for owner in owners if (value := entry(owner, name)) is not None), None)


def _name(owners: list[Any]) -> str:
    return str(_inherited(owners, "/TU") or _inherited(owners, "/T") or "")


def _written(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(str(each.get_object()) for each in value)
    if hasattr(value, "get_data"):  # a long text is a stream
        data: bytes = value.get_data()
        return data.decode("utf-16") if data[:2] in (b"\xfe\xff", b"\xff\xfe") else data.decode()
    return "" if value is None else str(value)
