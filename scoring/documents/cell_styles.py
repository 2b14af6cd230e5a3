"""Styles of a workbook's cells: number formats, and how a text is seen (ECMA-376, part 1, 18.8)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scoring.documents.numbers import BUILT_IN, BY_COUNTRY
from scoring.documents.opc import child, local

STRUCK, WHITE, TINY = "struck", "white", "tiny"
HEXADECIMAL = re.compile("[0-9A-F]{6}")
FILLED = "filled"
"""The cell has a colour of its own, on which white text is seen."""
OFF = ("0", "false")
THEME = {"0": "FFFFFF", "1": "000000"}
INDEXED = {
    **dict.fromkeys(("0", "8", "64"), "000000"),
    **dict.fromkeys(("1", "9", "65"), "FFFFFF"),
}
"""Colours that a workbook names by number; those of a page and of its text."""
COLOUR, FILL = "colour ", "fill "
"""Before the colour of a text, and of the cell that it stands in."""
NEARLY = 13
"""The difference of each share, of 255, up to which nobody tells two colours apart."""
SMALLEST = 2.0
"""The least size of text, in points, that can be seen."""
NOTHING: frozenset[str] = frozenset()


def look(name: str, attributes: Mapping[str, str]) -> frozenset[str]:
    """How an element of a font's properties has its text look, or nothing."""
    if name == "strike" and attributes.get("val") not in OFF:
        return frozenset((STRUCK,))
    if name == "sz" and float(attributes.get("val", SMALLEST)) < SMALLEST:
        return frozenset((TINY,))
    if name == "color" and (colour := _colour(attributes)):
        is_white = are_alike(colour, "FFFFFF")
        return frozenset((COLOUR + colour, *((WHITE,) if is_white else ())))
    return NOTHING


def _colour(attributes: Mapping[str, str]) -> str:
    """Its shares of red, green and blue, or "" where a theme or a tint says more than is known."""
    if float(attributes.get("tint", 0)):
        return ""
    named = THEME.get(attributes.get("theme", "")) or INDEXED.get(attributes.get("indexed", ""))
    colour = named or attributes.get("rgb", "")[-6:].upper()
    return colour if HEXADECIMAL.fullmatch(colour) else ""


def are_alike(first: str, second: str) -> bool:
    """Whether nobody can tell two colours such as FFFFFF apart."""
    pairs = zip(bytes.fromhex(first), bytes.fromhex(second), strict=True)
    return all(abs(a - b) <= NEARLY for a, b in pairs)


def is_lost(looks: frozenset[str]) -> bool:
    """Whether a text has the colour of the cell that it stands in."""
    fills = [look.removeprefix(FILL) for look in looks if look.startswith(FILL)]
    colours = [look.removeprefix(COLOUR) for look in looks if look.startswith(COLOUR)]
    return any(are_alike(fill, colour) for fill in fills for colour in colours or ["000000"])


def formats(styles: Any) -> list[str]:
    """The number format of each style that cells name."""
    codes: dict[int, str] = dict(BUILT_IN)
    for node in _all(styles, "numFmt"):
        codes[int(node.get("numFmtId", 0))] = node.get("formatCode", "")
    return [codes.get(int(node.get("numFmtId", 0)), BY_COUNTRY) for node in _cells(styles)]


def looks(styles: Any) -> list[frozenset[str]]:
    """How the text of each style that cells name looks, and the cell's FILL."""
    fonts = dict(enumerate(map(_font, next(_all(styles, "fonts"), ()))))
    fills = dict(enumerate(map(_fill, next(_all(styles, "fills"), ()))))
    return [
        fonts.get(int(node.get("fontId", 0)), NOTHING)
        | fills.get(int(node.get("fillId", 0)), NOTHING)
        for node in _cells(styles)
    ]


def _font(node: Any) -> frozenset[str]:
    return NOTHING.union(*(look(local(each.tag), each.attrib) for each in node))


def _fill(node: Any) -> frozenset[str]:
    pattern = child(node, "patternFill")
    is_plain = pattern is None or pattern.get("patternType", "none") == "none"
    is_filled = not is_plain or child(node, "gradientFill") is not None
    front = child(pattern, "fgColor") if is_filled else None
    is_solid = pattern is not None and pattern.get("patternType") == "solid"
    colour = _colour(front.attrib) if front is not None and is_solid else ""
    looks = ((FILL + colour,) if colour else ()) + ((FILLED,) if is_filled else ())
    return frozenset(looks)


def _cells(styles: Any) -> Any:
    return next(_all(styles, "cellXfs"), ())


def _all(root: Any, name: str) -> Iterator[Any]:
    return (node for node in root.iter() if local(node.tag) == name)
