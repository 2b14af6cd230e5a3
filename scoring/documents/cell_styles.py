"""Styles of a workbook's cells: number formats, and how a text is seen (ECMA-376, part 1, 18.8)."""

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.documents.numbers import BUILT_IN
from scoring.documents.opc import child, local

STRUCK, WHITE = "struck", "white"
FILLED = "filled"
"""The cell has a colour of its own, on which white text is seen."""
OFF = ("0", "false")
WHITE_INDEXES = ("1", "9")
NOTHING: frozenset[str] = frozenset()


def look(name: str, attributes: Mapping[str, str]) -> frozenset[str]:
    """How an element of a font's properties has its text look: STRUCK, WHITE, or nothing."""
    if name == "strike" and attributes.get("val") not in OFF:
        return frozenset((STRUCK,))
    if name == "color" and _is_white(attributes):
        return frozenset((WHITE,))
    return NOTHING


def _is_white(colour: Mapping[str, str]) -> bool:
    """Whether it is white without doubt; theme colour 0 is the page's, which may be tinted."""
    if float(colour.get("tint", 0)):
        return False
    is_named = colour.get("theme") == "0" or colour.get("indexed") in WHITE_INDEXES
    return is_named or colour.get("rgb", "")[-6:].upper() == "FFFFFF"


def formats(styles: Any) -> list[str]:
    """The number format of each style that cells name."""
    codes: dict[int, str] = dict(BUILT_IN)
    for node in _all(styles, "numFmt"):
        codes[int(node.get("numFmtId", 0))] = node.get("formatCode", "")
    return [codes.get(int(node.get("numFmtId", 0)), "") for node in _cells(styles)]


def looks(styles: Any) -> list[frozenset[str]]:
    """How the text of each style that cells name looks: STRUCK, WHITE, on a cell that is FILLED."""
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
    return frozenset((FILLED,)) if is_filled else NOTHING


def _cells(styles: Any) -> Any:
    return next(_all(styles, "cellXfs"), ())


def _all(root: Any, name: str) -> Iterator[Any]:
    return (node for node in root.iter() if local(node.tag) == name)
