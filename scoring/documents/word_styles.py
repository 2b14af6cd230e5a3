"""Styles and automatic numbers of Word documents (ECMA-376, part 1, 17.7 and 17.9)."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pmscoring.base.words import words as _
from scoring.documents.base import BadDocument
from scoring.documents.numerals import NUMERALS
from scoring.documents.opc import child, value
from scoring.pdf import symbols

OFF = ("0", "false", "off")
BULLET = "•"
LEVEL = re.compile("%([1-9])")
NO_LIST = "0"


class ListItem(NamedTuple):
    """The list that a paragraph belongs to, and its level there from 0 on."""

    number: str
    level: int


def is_on(properties: Any, name: str) -> bool | None:
    """Whether a property such as `vanish` is on; None where it is not set."""
    node = child(properties, name)
    return None if node is None else value(node, "1") not in OFF


class Styles:
    """The styles of a document, each of which may be based on another."""

    def __init__(self, root: Any = ()) -> None:
        nodes = [node for node in root if value(node, name="styleId")]
        self.by_id = {value(node, name="styleId"): node for node in nodes}
        self.default = next(
            (
                value(node, name="styleId")
                for node in nodes
                if value(node, name="type") == "paragraph" and value(node, name="default") == "1"
            ),
            "",
        )

    def _chain(self, style: str) -> Iterator[Any]:
        """The style and those that it is based on."""
        seen = set()
        while (node := self.by_id.get(style)) is not None and style not in seen:
            seen.add(style)
            yield node
            style = value(child(node, "basedOn"))

    def is_on(self, style: str, name: str) -> bool:
        """Whether the style switches a property of characters on."""
        states = (is_on(child(node, "rPr"), name) for node in self._chain(style))
        return next((state for state in states if state is not None), False)

    def value(self, style: str, name: str) -> str:
        """What the style sets a property of characters to, such as `sz`; "" where it does not."""
        values = (value(child(child(node, "rPr"), name)) for node in self._chain(style))
        return next(filter(None, values), "")

    def font(self, style: str) -> str:
        """The font of Latin letters that the style sets, or an empty string."""
        fonts = (font_of(child(node, "rPr")) for node in self._chain(style))
        return next(filter(None, fonts), "")

    def list_of(self, style: str) -> tuple[str, str]:
        """The list and the level that the style puts its paragraphs into, as far as it does."""
        number = level = ""
        for node in self._chain(style):
            properties = child(child(node, "pPr"), "numPr")
            number = number or value(child(properties, "numId"))
            level = level or value(child(properties, "ilvl"))
        return number, level


def font_of(properties: Any) -> str:
    """The font of Latin letters that properties of characters set, or an empty string."""
    fonts = child(properties, "rFonts")
    return value(fonts, name="ascii") or value(fonts, name="hAnsi")


class Lists:
    """The lists of a document, which count their items as the paragraphs are read."""

    def __init__(self, styles: Styles, root: Any = ()) -> None:
        self.styles = styles
        nodes = list(root)
        self.shapes = {value(node, name="abstractNumId"): node for node in nodes}
        self.lists = {value(node, name="numId"): node for node in nodes}
        self.counts: dict[str, dict[int, int]] = {}
        self.restarted: set[ListItem] = set()

    def item(self, properties: Any, style: str) -> ListItem | None:
        """The place in a list that a paragraph has by its properties and its style."""
        own = child(properties, "numPr")
        by_style, level = self.styles.list_of(style)
        number = value(child(own, "numId")) or by_style
        if number in ("", NO_LIST) or number not in self.lists:
            return None
        level = value(child(own, "ilvl")) or level
        return ListItem(number, int(level) if level else self._level_of(number, style))

    def _level_of(self, number: str, style: str) -> int:
        """The level that belongs to a style."""
        for node in self._shape(number)[1]:
            if style and value(child(node, "pStyle")) == style:
                return int(value(node, name="ilvl") or 0)
        return 0

    def label(self, item: ListItem) -> str:
        """Count the item; return what stands before it, with the space that follows."""
        shape, _node = self._shape(item.number)
        level = self._level(item)
        counts = self.counts.setdefault(shape, {})
        override = child(self._override(item), "startOverride")
        if override is not None and item not in self.restarted:
            self.restarted.add(item)
            counts[item.level] = int(value(override))
        else:
            counts[item.level] = counts.get(item.level, self._start(level) - 1) + 1
        self._restart_deeper(item, counts)
        if is_on(child(level, "rPr"), "vanish"):
            return ""
        text = self._text(item, level, counts)
        return text + ("" if value(child(level, "suff")) == "nothing" or not text else " ")

    def _restart_deeper(self, item: ListItem, counts: dict[int, int]) -> None:
        for deeper in [level for level in counts if level > item.level]:
            never = value(child(self._level(ListItem(item.number, deeper)), "lvlRestart")) == "0"
            if not never:
                del counts[deeper]

    def _text(self, item: ListItem, level: Any, counts: dict[int, int]) -> str:
        text = value(child(level, "lvlText"))
        if _format(level) == "bullet":
            font = font_of(child(level, "rPr"))
            return "".join(symbols.sign(font, ord(sign)) or BULLET for sign in text) or BULLET
        is_legal = is_on(level, "isLgl")

        def number(match: re.Match[str]) -> str:
            other = self._level(ListItem(item.number, int(match[1]) - 1))
            count = counts.get(int(match[1]) - 1, self._start(other))
            return numeral(count, "decimal" if is_legal else _format(other))

        return LEVEL.sub(number, text)

    def _start(self, level: Any) -> int:
        return int(value(child(level, "start")) or 0)

    def _shape(self, number: str) -> tuple[str, Any]:
        """The definition of a list, by its key and as a node; another style's where it says so."""
        for _step in range(10):
            key = value(child(self.lists.get(number), "abstractNumId"))
            node = self.shapes.get(key)
            link = value(child(node, "numStyleLink"))
            if not link:
                return key, () if node is None else node
            number = self.styles.list_of(link)[0]
        return "", ()

    def _override(self, item: ListItem) -> Any:
        for node in self.lists.get(item.number, ()):
            if value(node, name="ilvl") == str(item.level):
                return node
        return None

    def _level(self, item: ListItem) -> Any:
        own = child(self._override(item), "lvl")
        if own is not None:
            return own
        levels = self._shape(item.number)[1]
        return next((n for n in levels if value(n, name="ilvl") == str(item.level)), None)


def _format(level: Any) -> str:
    """The format of a level's numbers; a new one may stand beside a substitute for old programs."""
    nodes = [] if level is None else [n for n in level.iter() if n.tag.endswith("}numFmt")]
    return value(nodes[0]) if nodes else "decimal"


def numeral(number: int, kind: str) -> str:
    """The number in a format. Raises BadDocument where the format is not known."""
    if kind == "none":
        return ""
    if kind not in NUMERALS or number < 0:
        raise BadDocument(
            _("automatic numbers of the kind %s cannot be read; type the numbers") % kind
        )
    return NUMERALS[kind](number)
