"""Large parts of an XLSX workbook, of which no more than a block is in memory: read by expat."""

import re
from collections.abc import Iterable
from xml.parsers import expat

from pmscoring.base.words import words as _
from scoring.documents.base import BadDocument
from scoring.documents.cell_styles import NOTHING, look

ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """The text without the escapes of OOXML, such as _x000D_ for a carriage return."""
    if "_x" not in text:
        return text
    text = ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    # A character beyond U+FFFF is escaped as the two halves that it has in UTF-16.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


class Looking(str):
    """A text of which a part looks struck or white, as `looks` says."""

    looks = NOTHING


class XmlReader:
    """Feeds blocks of XML to expat; `start` and `end` get the names without their prefixes."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.is_text = False
        self.readings = 0
        self.text: list[str] = []
        self.looks = NOTHING
        self.is_font = False

    def feed(self, block: bytes) -> None:
        try:
            self.parser.Parse(block, not block)
        except expat.ExpatError as error:
            raise ValueError("not XML") from error

    def start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def end(self, name: str) -> None:
        raise NotImplementedError

    def taken(self) -> str:
        """The text since the last call, as Looking where a part of it looks struck or white."""
        text = unescaped("".join(self.text))
        if self.looks:
            text = Looking(text)
            text.looks = self.looks
        self.text.clear()
        self.looks = NOTHING
        return text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self.readings += name == "rPh"
        self.is_font = self.is_font or name == "rPr"
        if self.is_font:
            self.looks |= look(name, attributes)
        self.is_text = name == "v" or (name == "t" and not self.readings)
        self.start(name, attributes)

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        self.readings -= name == "rPh"
        self.is_font = self.is_font and name != "rPr"
        self.is_text = False
        self.end(name)

    def _characters(self, characters: str) -> None:
        if self.is_text:
            self.text.append(characters)

    def _refuse(self, *declaration: object) -> None:
        raise BadDocument(_("not a readable XLSX file: its XML declares entities"))


class _Strings(XmlReader):
    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        pass

    def end(self, name: str) -> None:
        if name == "si":
            self.strings.append(self.taken())


def strings(blocks: Iterable[bytes]) -> list[str]:
    """The shared strings, without the readings beside their characters."""
    reader = _Strings()
    for block in (*blocks, b""):
        reader.feed(block)
    return reader.strings
