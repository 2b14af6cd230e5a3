"""Word documents (DOCX), read as their senders saw them (ECMA-376, part 1, 17).

What is seen is the text with its tracked changes accepted, the numbers of lists, foot- and endnotes
and text boxes; they follow the paragraph that they belong to. Headers, footers and comments are no
part of the answer. What is seen and cannot be read as text is refused.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pmscoring.base.words import words as _
from scoring.documents import archives, opc
from scoring.documents.base import BadDocument, Essay
from scoring.documents.cell_styles import HEXADECIMAL, are_alike
from scoring.documents.opc import child, local, value
from scoring.documents.word_styles import Lists, Styles, font_of, is_on
from scoring.pdf import symbols

MOST_TAGS = 600_000
"""Of a part, which is in memory as a tree. A page of text has about a thousand."""
# What has no text of the document: properties, deleted and moved text, codes of fields, readings
# beside characters, positions of drawings.
UNSEEN = frozenset(
    (
        *("pPr", "rPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr", "sdtPr", "rubyPr"),
        *("del", "moveFrom", "delText", "delInstrText", "rt"),
        *("posOffset", "align", "pctWidth", "pctHeight", "pctPosHOffset", "pctPosVOffset"),
    )
)
BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
DATES = tuple(f"{part}{form}" for part in ("day", "month", "year") for form in ("Short", "Long"))
SHOWN = ("t", "sym")
WHITE = "FFFFFF"
HIGHLIGHTS = {
    "black": "000000", "blue": "0000FF", "cyan": "00FFFF", "darkBlue": "00008B",
    "darkCyan": "008B8B", "darkGray": "A9A9A9", "darkGreen": "006400", "darkMagenta": "800080",
    "darkRed": "8B0000", "darkYellow": "808000", "green": "00FF00", "lightGray": "D3D3D3",
    "magenta": "FF00FF", "red": "FF0000", "white": "FFFFFF", "yellow": "FFFF00",
}  # fmt: skip
SMALLEST = 4
"""The least size of text, in half points, that can be seen."""
OF_SYMBOLS = re.compile("[!-\u00ff\ue000-\uf8ff]")
SHOWN_BY_CODE = ("EQ", "SYMBOL", "AUTONUM", "AUTONUMLGL", "AUTONUMOUT", "LISTNUM")
"""Fields that show what their code says, where they have no result."""
NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}
AROUND = ("header", "footer")
IMAGES = ("blip", "imagedata")
EQUATIONS = (
    *("f", "rad", "nary", "m", "eqArr", "limLow", "limUpp", "sPre", "sSub", "sSubSup", "sSup"),
    *("acc", "bar", "groupChr"),
)


def docx_text(data: bytes) -> Essay:
    """A line for each paragraph that is seen. Raises BadDocument."""
    with archives.open_archive(io.BytesIO(data)) as archive:
        try:
            return _Reader(archive).essay()
        except DefusedXmlException as error:
            raise BadDocument(_("not a readable DOCX file: its XML declares entities")) from error
        except (KeyError, ValueError, ParseError, RecursionError) as error:
            raise BadDocument(
                _("not a readable DOCX file; open it in a word processor and save it again")
            ) from error


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The kind and the name of each part beside the main one.

    Some programs leave out the list of relations, and so the usual names count too.
    """
    main = opc.main_part(archive)
    for kind in ("styles", "numbering", *NOTES.values()):
        yield kind, str(PurePosixPath(main).with_name(f"{kind}.xml"))
    for relation in opc.relations(archive, main):
        yield relation.kind, relation.part


class _Reader:
    """Goes through a document; what was read stands in `lines` and in the open `line`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.parts = dict(_parts(archive))
        self.styles = Styles(self._part("styles"))
        self.lists = Lists(self.styles, self._part("numbering"))
        self.notes: dict[str, Any] = {}
        self.lines: list[str] = []
        self.line: list[str] = []
        self.style = ""
        self.deferred: list[Any] = []
        self.fields: list[bool] = []
        self.code: list[str] = []
        self.placeholders: list[str] = []
        self.images = 0
        self.handlers: dict[str, Callable[[Any], None]] = {
            "p": self._paragraph,
            "r": self._run,
            "sdt": self._control,
            "tr": self._row,
            "tc": self._cell,
            "AlternateContent": self._alternate,
            "txbxContent": self.deferred.append,
            **dict.fromkeys(NOTES, self._note),
            **dict.fromkeys(IMAGES, self._image),
            **dict.fromkeys(("object", "control", "contentPart"), self._embedded),
            **dict.fromkeys(("altChunk", "subDoc"), self._embedded),
            "graphicData": self._graphic,
            "textpath": lambda node: self._say(value(node, name="string")),
            "oMath": self._equation,
            "fldChar": self._field,
            "instrText": self._code,
            "sym": self._symbol,
        }

    def essay(self) -> Essay:
        """The text of the whole document, with notes on what was left out."""
        self._go(self._xml(opc.main_part(self.archive)))
        self._end_line()
        self._deferred()
        text = "\n".join(self.lines)
        if self.placeholders and text.strip():
            raise BadDocument(
                _("a field was not filled in beside other text; fill it in or remove it: %s")
                % self.placeholders[0][:40]
            )
        if self.images and not text.strip():
            raise BadDocument(_("a picture instead of text; type the answer"))
        notes = [_("%d pictures were not read") % self.images] if self.images else []
        return Essay(text, [*notes, *self._left_out()])

    def _left_out(self) -> Iterator[str]:
        """What is seen around the document and is no part of the answer."""
        named = {
            "comments": _("comments were not read"),
            **dict.fromkeys(AROUND, _("the header or footer was not read")),
        }
        notes = [note for kind, note in named.items() if self._has_text(kind)]
        yield from dict.fromkeys(notes)

    def _has_text(self, kind: str) -> bool:
        nodes = [each for part in self._part(kind) for each in part.iter()]
        return any((each.text or "").strip() for each in nodes if local(str(each.tag)) == "t")

    def _part(self, kind: str) -> Any:
        part = self.parts.get(kind, "")
        return self._xml(part) if part in self.archive.namelist() else ()

    def _xml(self, part: str) -> Any:
        data = archives.read(self.archive, self.archive.getinfo(part), opc.MOST_PART)
        if data.count(b"<") > MOST_TAGS:
            raise BadDocument(_("takes too much time or memory to read"))
        return fromstring(data, forbid_dtd=True)

    def _go(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            name = local(node.tag)
            if name in UNSEEN:
                continue
            if name in self.handlers:
                self.handlers[name](node)
            else:
                self._go(node)

    def _say(self, text: str) -> None:
        # Of a field only the result is seen, also of one inside the code of another.
        if all(self.fields):
            self.line.append(text)

    def _end_line(self) -> None:
        if self.line:
            self.lines.append("".join(self.line))
            self.line = []

    def _paragraph(self, node: Any) -> None:
        properties = child(node, "pPr")
        self.style = value(child(properties, "pStyle")) or self.styles.default
        start = len(self.line)
        self._go(node)
        is_joined = self._is_joined(child(properties, "rPr"))
        is_seen = len(self.line) > start
        item = self.lists.item(properties, self.style)
        if item and not start and (is_seen or not is_joined):
            label = self.lists.label(item)
            self.line.insert(0, label if is_seen else label.rstrip())
        if is_joined:
            return
        self.lines.append("".join(self.line))
        self.line = []
        self._deferred()

    def _is_joined(self, mark: Any) -> bool:
        """Whether the mark that ends the paragraph is deleted or hidden."""
        return child(mark, "del") is not None or self._is_on(mark, "vanish")

    def _deferred(self) -> None:
        nodes, self.deferred[:] = self.deferred[:], []
        for node in nodes:
            first = len(self.lines)
            self._go(node)
            if len(self.lines) > first and local(node.tag) != "txbxContent":
                self.lines[first] = self.lines[first].lstrip()

    def _is_on(self, properties: Any, name: str) -> bool:
        own = is_on(properties, name)
        if own is not None:
            return own
        # The styles of a paragraph and of its characters switch such a property alternately.
        style = value(child(properties, "rStyle"))
        return self.styles.is_on(self.style, name) != self.styles.is_on(style, name)

    def _run(self, node: Any) -> None:
        properties = child(node, "rPr")
        if self._is_on(properties, "vanish"):
            self._go(each for each in node if local(each.tag) == "fldChar")
            return
        if any(child(node, name) is not None for name in DATES):
            raise BadDocument(_("a date that the program fills in; type it"))
        if any(child(node, name) is not None for name in SHOWN):
            self._check_look(properties)
        font = font_of(properties) or self.styles.font(value(child(properties, "rStyle")))
        font = font or self.styles.font(self.style)
        is_capital = self._is_on(properties, "caps") or self._is_on(properties, "smallCaps")
        for each in node:
            name = local(each.tag)
            if name == "t":
                text = self._signs(font, each.text or "")
                self._say(text.upper() if is_capital else text)
            elif name in BREAKS:
                self._say(BREAKS[name])
            else:
                self._go([each])

    def _check_look(self, properties: Any) -> None:
        """Refuse text that is struck, or may not be seen."""
        if any(self._is_on(properties, name) for name in ("strike", "dstrike")):
            raise BadDocument(_("text that is struck through; delete it or remove the stroke"))
        colour = self._value(properties, "color").upper()
        behind = HIGHLIGHTS.get(value(child(properties, "highlight")), "")
        # Word shows automatic text in white on dark shading, but not on a highlight.
        colour = "000000" if behind and colour in ("", "AUTO") else colour
        behind = behind or value(child(properties, "shd"), name="fill").upper()
        if not HEXADECIMAL.fullmatch(behind):
            behind = ""
        if HEXADECIMAL.fullmatch(colour) and are_alike(colour, behind or WHITE):
            raise BadDocument(
                _("text in the colour of what is behind it; remove it or colour it")
                if behind
                else _("white text, which may not be seen; remove it or colour it")
            )
        size = self._value(properties, "sz")
        if size.isdecimal() and int(size) < SMALLEST:
            raise BadDocument(_("text too small to be seen; remove it"))

    def _value(self, properties: Any, name: str) -> str:
        """What a property of characters is set to, by themselves or by a style."""
        own = value(child(properties, name))
        by_run = self.styles.value(value(child(properties, "rStyle")), name)
        return own or by_run or self.styles.value(self.style, name)

    def _signs(self, font: str, text: str) -> str:
        if not symbols.is_of_symbols(font):
            return text
        # The font is that of Latin letters: Japanese beside them stands in another.
        return "".join(
            self._sign(font, ord(sign)) if OF_SYMBOLS.match(sign) else sign for sign in text
        )

    def _sign(self, font: str, code: int) -> str:
        sign = symbols.sign(font, code)
        if sign is None:
            raise BadDocument(
                _("a sign of the font %(font)s that is no character (%(code)X); type it as text")
                % {"font": font, "code": code}
            )
        return sign

    def _symbol(self, node: Any) -> None:
        self._say(self._sign(value(node, name="font"), int(value(node, name="char"), 16)))

    def _control(self, node: Any) -> None:
        """A content control; one that shows its placeholder has no content."""
        content = child(node, "sdtContent")
        if is_on(child(node, "sdtPr"), "showingPlcHdr"):
            self.placeholders.append("".join(content.itertext()) if content is not None else "")
        elif content is not None:
            self._go(content)

    def _row(self, node: Any) -> None:
        properties = child(node, "trPr")
        if child(properties, "del") is None and not is_on(properties, "hidden"):
            self._go(node)

    def _cell(self, node: Any) -> None:
        properties = child(node, "tcPr")
        merge = child(properties, "vMerge")
        is_continued = merge is not None and value(merge, "continue") == "continue"
        if not is_continued and child(properties, "cellDel") is None:
            self._go(node)

    def _alternate(self, node: Any) -> None:
        """The first of the alternatives, as in a program that knows all of them."""
        self._go(list(node)[:1])

    def _note(self, node: Any) -> None:
        kind = NOTES[local(node.tag)]
        if kind not in self.notes:
            self.notes[kind] = {value(each, name="id"): each for each in self._part(kind)}
        self.deferred.append(self.notes[kind][value(node, name="id")])

    def _image(self, _node: Any) -> None:
        self.images += 1

    def _embedded(self, _node: Any) -> None:
        raise BadDocument(_("an embedded object or drawing; type its text into the document"))

    def _graphic(self, node: Any) -> None:
        """A drawing: a diagram or a chart keeps its text elsewhere."""
        if value(node, name="uri").rpartition("/")[2] in ("chart", "chartex", "diagram"):
            self._embedded(node)
        self._go(node)

    def _equation(self, node: Any) -> None:
        if any(local(each.tag) in EQUATIONS for each in node.iter()):
            raise BadDocument(_("an equation; type it in one line of text"))
        for each in node.iter():
            if local(each.tag) == "t":
                self._say(each.text or "")

    def _field(self, node: Any) -> None:
        """The beginning, the separator or the end of a field: of its code or of its result."""
        kind = value(node, name="fldCharType")
        if kind == "begin":
            self._form_field(child(node, "ffData"))
            self.fields.append(False)
            self.code.clear()
        elif self.fields and kind == "separate":
            self.fields[-1] = True
        elif self.fields and kind == "end" and not self.fields.pop():
            self._check_code("".join(self.code).split())

    def _code(self, node: Any) -> None:
        self.code.append(node.text or "")

    def _check_code(self, words: list[str]) -> None:
        """Refuse a field without a result that shows a fraction, a reading, a sign or a number."""
        if words and words[0].upper() in SHOWN_BY_CODE:
            raise BadDocument(_("a field of the kind %s; type what it shows as text") % words[0])

    def _form_field(self, form: Any) -> None:
        """What a field of a form shows beside its result: a box, or the chosen entry of a list."""
        box, choices = child(form, "checkBox"), child(form, "ddList")
        if box is not None:
            checked = is_on(box, "checked")
            self._say("☒" if (is_on(box, "default") if checked is None else checked) else "☐")
        if choices is not None:
            entries = [value(each) for each in choices if local(each.tag) == "listEntry"]
            chosen = value(child(choices, "result")) or value(child(choices, "default")) or "0"
            self._say(entries[int(chosen)] if entries else "")
