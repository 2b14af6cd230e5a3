"""The text that HTML shows, as course systems write answers from their editors.

Python's own parser takes minutes for some texts of a few kilobytes. So the tags are found here in
one pass, and what is not closed is refused instead of being looked for again.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from pmscoring.base.words import words as _
from scoring.documents.base import BadDocument, Essay
from scoring.documents.numerals import NUMERALS

NAME = re.compile("/?[A-Za-z][A-Za-z0-9:-]*")
END_OR_QUOTE = re.compile("[>\"']")
ATTRIBUTE = re.compile(r"([^\s=/\"']+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s\"']*))?")
SPACE = re.compile("[ \t\n\f\r]+")
UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?![.\d])"
    r"|font-size\s*:\s*0(?!\.?[1-9])"
)
DOUBTFUL_STYLE = re.compile(
    r"(?<![\w-])color\s*:\s*(?:#[f]{3,4}\b|#(?:f[3-9a-f]){3}(?:[0-9a-f]{2})?\b|white|snow|ivory|transparent"
    r"|rgba?\((?:\s*(?:24[3-9]|25[0-5])\b\W*){3}|hsla?\([^)]*\b(?:9[6-9]|100)%)"
    r"|(?:text-indent|left|top|margin(?:-left|-top)?)\s*:\s*-\d{3}"
    r"|font-size\s*:\s*(?:(?:[1-3](?:\.\d+)?|0?\.\d+)p[xt]|0?\.[0-2]\d*r?em|[12]?\d(?:\.\d+)?%)"
    r"|(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?![.\d])"
    r"|(?<![\w-])clip\s*:|clip-path\s*:"
)
"""What may leave nothing to be seen of a text, or hide it in the page's colour."""
STRUCK_STYLE = re.compile(r"text-decoration(?:-line)?\s*:[^;]*line-through")
BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd",
        "details", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1",
        "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend", "li", "main", "nav",
        "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
        "tr", "ul",
    )
)  # fmt: skip
INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "col",
        "colgroup", "data", "dfn", "em", "font", "i", "img", "ins", "kbd", "label", "link",
        "mark", "meta", "q", "rb", "rtc", "ruby", "samp", "small", "span", "strong", "sub",
        "sup", "time", "tt", "u", "var", "wbr",
    )
)  # fmt: skip
UNSEEN = frozenset(("head", "noscript", "rp", "rt", "template"))
RAW = frozenset(("script", "style", "title"))
"""Whose content is not HTML, up to their end."""
VOID = frozenset(("br", "col", "hr", "img", "link", "meta", "wbr"))
STRUCK = frozenset(("del", "s", "strike"))
LISTS = ("ol", "ul")
NUMBERS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
BULLET = "•"


class Tag(NamedTuple):
    """A tag; the name of one that closes an element begins with a slash."""

    name: str
    attributes: dict[str, str]


def shown(source: str) -> Essay:
    """The text that a browser shows, a line for each paragraph. Raises BadDocument."""
    page = _Page()
    for token in _tokens(source):
        if isinstance(token, Tag):
            page.tag(token)
        else:
            page.say(html.unescape(token))
    return page.essay()


def _tokens(source: str) -> Iterator[str | Tag]:
    """The texts between tags, and the tags. Raises BadDocument for what is never closed."""
    start = 0
    while (at := source.find("<", start)) >= 0:
        yield source[start:at]
        name = NAME.match(source, at + 1)
        if source.startswith("<!--", at):
            start = _after(source, "-->", at + 4)
        elif source.startswith(("<!", "<?"), at):
            start = _after(source, ">", at)
        elif name is None:
            yield "<"
            start = at + 1
        else:
            start = _end_of_tag(source, name.end())
            yield Tag(name[0].lower(), _attributes(source[name.end() : start - 1]))
            if name[0].lower() in RAW:
                end = re.compile(rf"</{name[0]}[\s/>]", re.IGNORECASE).search(source, start)
                if end is None:
                    raise _never_ends(at)
                if name[0].lower() == "style":
                    _check_sheet(source[start : end.start()].lower())
                start = _end_of_tag(source, end.end() - 1)
    yield source[start:]


def _check_sheet(style: str) -> None:
    """Refuse a style sheet that may hide text, whose selectors are not read."""
    for pattern in (UNSEEN_STYLE, DOUBTFUL_STYLE, STRUCK_STYLE):
        if found := pattern.search(style):
            raise BadDocument(_("a style sheet that may hide text (%s); remove it") % found[0])


def _after(source: str, end: str, start: int) -> int:
    at = source.find(end, start)
    if at < 0:
        raise _never_ends(start)
    return at + len(end)


def _end_of_tag(source: str, start: int) -> int:
    while sign := END_OR_QUOTE.search(source, start):
        if sign[0] == ">":
            return sign.end()
        start = _after(source, sign[0], sign.end())
    raise _never_ends(start)


def _never_ends(offset: int) -> BadDocument:
    return BadDocument(
        _("not HTML: a tag at offset %d never ends; send a text that is no HTML as such") % offset
    )


def _attributes(source: str) -> dict[str, str]:
    return {
        name.lower(): html.unescape(value.strip("\"'")) for name, value in ATTRIBUTE.findall(source)
    }


class _Page:
    """What is shown so far: whole lines, and the open one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.label = ""
        self.unseen: list[str] = []
        self.preformatted = 0
        self.lists: list[list[str | int]] = []
        self.images = 0

    def essay(self) -> Essay:
        if self.unseen:
            raise BadDocument(
                _("not HTML: the element %s, which is not shown, never ends") % self.unseen[0]
            )
        self._break()
        text = "\n".join(self.lines)
        if self.images and not text.strip():
            raise BadDocument(_("a picture instead of text; type the answer"))
        return Essay(text, [_("%d pictures were not read") % self.images] if self.images else [])

    def say(self, text: str) -> None:
        if self.unseen or not text:
            return
        if self.preformatted:
            *lines, rest = text.split("\n")
            for line in lines:
                self.line.append(line)
                self._break(is_wanted=True)
            self.line.append(rest)
            return
        text = SPACE.sub(" ", text)
        if not self.line or self.line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self.line.append(text)

    def tag(self, tag: Tag) -> None:
        name = tag.name.removeprefix("/")
        if self.unseen:
            self._inside_unseen(tag)
        elif name in UNSEEN or _is_unseen(tag):
            if not tag.name.startswith("/") and name not in VOID:
                self.unseen.append(name)
        elif name in STRUCK or STRUCK_STYLE.search(_style(tag)):
            raise BadDocument(_("text that is struck through; delete it or remove the stroke"))
        elif DOUBTFUL_STYLE.search(_style(tag)) or _has_own_colour(_style(tag)):
            raise BadDocument(
                _("the element %s has a style in which text may not be seen; remove the style")
                % name
            )
        elif "reversed" in tag.attributes:
            raise BadDocument(_("a list that is numbered backwards; type the numbers"))
        elif name not in BLOCKS | INLINE | RAW:
            raise BadDocument(
                _("the element %s, which is not read; type its text, or send no HTML") % name
            )
        elif name == "br":
            self._break(is_wanted=True)
        elif name == "q":
            self.say("”" if tag.name.startswith("/") else "“")
        elif name == "img":
            self.images += 1
        elif name in BLOCKS:
            self._block(tag, name)

    def _inside_unseen(self, tag: Tag) -> None:
        """Count elements of the same name, so that the right end is found."""
        if tag.name == self.unseen[-1]:
            self.unseen.append(tag.name)
        elif tag.name == f"/{self.unseen[-1]}":
            self.unseen.pop()

    def _block(self, tag: Tag, name: str) -> None:
        is_start = not tag.name.startswith("/")
        self._break()
        if name == "pre":
            self.preformatted = max(self.preformatted + (1 if is_start else -1), 0)
        elif name in LISTS and is_start:
            kind = NUMBERS.get(tag.attributes.get("type", ""), "decimal")
            self.lists.append([name, kind, _number(tag.attributes.get("start"), 1)])
        elif name in LISTS and self.lists:
            self.lists.pop()
        elif name == "li" and is_start:
            self._item(tag)

    def _item(self, tag: Tag) -> None:
        name, kind, number = self.lists[-1] if self.lists else ("ul", "decimal", 1)
        number = _number(tag.attributes.get("value"), int(number))
        if self.lists:
            self.lists[-1][2] = number + 1
        numeral = NUMERALS[str(kind)](number) if number > 0 else str(number)
        self.label = f"{numeral}. " if name == "ol" else f"{BULLET} "

    def _break(self, *, is_wanted: bool = False) -> None:
        """End the line; an empty one only where a line break is wanted."""
        line = "".join(self.line)
        if not self.preformatted:
            line = line.strip(" ")
        if line or is_wanted:
            self.lines.append(self.label + line)
            self.label = ""
        self.line = []


def _is_unseen(tag: Tag) -> bool:
    return "hidden" in tag.attributes or bool(UNSEEN_STYLE.search(_style(tag)))


def _style(tag: Tag) -> str:
    """The element's own style, with the colour that old HTML gives to fonts."""
    colour = f";color:{tag.attributes['color']}" if "color" in tag.attributes else ""
    return f"{tag.attributes.get('style', '')}{colour}".lower()


def _has_own_colour(style: str) -> bool:
    """Whether the text has the colour of what is behind it."""
    pairs = (part.partition(":") for part in style.split(";"))
    values = {name.strip(): "".join(value.split()) for name, _colon, value in pairs}
    behind = values.get("background-color") or values.get("background")
    return bool(behind) and values.get("color") == behind


def _number(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch("-?[0-9]{1,6}", text) else default
