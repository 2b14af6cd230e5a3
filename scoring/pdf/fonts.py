"""The characters that the codes of a font stand for, or the finding that nobody can tell.

A PDF file shows glyphs by their codes. What a code stands for is known from the font's ToUnicode
table, or from an encoding of characters; without either, a code is only the number of a glyph.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from unicodedata import category, east_asian_width

from pypdf.generic import DictionaryObject
from pypdf.generic._font import Font as PdfFont

from scoring.pdf import symbols
from scoring.pdf.objects import entry

CHARACTERS = {
    **dict.fromkeys(("90ms-RKSJ", "90msp-RKSJ", "90pv-RKSJ", "Ext-RKSJ"), "cp932"),
    **dict.fromkeys(("EUC", "UniJIS-EUC"), "euc_jp"),
    **dict.fromkeys(("GBK-EUC", "GBKp-EUC"), "gbk"),
    **dict.fromkeys(("GBK2K",), "gb18030"),
    **dict.fromkeys(("ETen-B5", "ETenms-B5"), "cp950"),
    **dict.fromkeys(("KSCms-UHC", "KSCms-UHC-HW"), "cp949"),
    **dict.fromkeys(("UniJIS-UTF8", "UniGB-UTF8", "UniCNS-UTF8", "UniKS-UTF8"), "utf-8"),
}
"""Encodings of characters by the name of a composite font's encoding, without its direction."""
SYMBOLIC = 1 << 2
UNCERTAIN = ("Co", "Cs", "Cn", "Cc")
WHITE_SPACE = "\t\n\r"


class Unknown(Exception):
    """Nobody can tell which character a code of the font stands for."""


class Glyph(NamedTuple):
    """A glyph's text, its code, and its width as a share of the font's size."""

    text: str
    code: int
    width: float


class Font:
    """A font that a page names. Raises Unknown where a code has no certain character."""

    def __init__(self, resource: DictionaryObject) -> None:
        font = PdfFont.from_font_resource(resource)
        self.name = str(entry(resource, "/BaseFont", "/?")).removeprefix("/")
        self.to_unicode: dict[str, str] = font.character_map
        self.encoding = font.encoding
        self.widths = font.character_widths
        self.known: dict[int, Glyph] = {}
        self.is_composite = entry(resource, "/Subtype") == "/Type0"
        name, _hyphen, direction = str(entry(resource, "/Encoding", "")).lstrip("/").rpartition("-")
        self.is_vertical = self.is_composite and direction == "V"
        self.unicode = _encoding(name or direction)
        self.is_certain = font.interpretable and (self.is_composite or _is_named(resource, font))

    def glyphs(self, codes: bytes) -> list[Glyph]:
        """The glyphs of a string."""
        if not self.is_certain:
            raise Unknown
        return [self._known(code) for code in self._codes(codes)]

    def _known(self, code: int) -> Glyph:
        if code not in self.known:
            glyph = self._composite(code) if self.is_composite else self._simple(code)
            glyph = glyph._replace(text="".join(map(self._character, glyph.text)))
            if any(map(_is_uncertain, glyph.text)):
                raise Unknown
            self.known[code] = glyph
        return self.known[code]

    def _character(self, sign: str) -> str:
        """The character, where a table has the code of a sign in a font of symbols."""
        is_private = category(sign) == "Co"
        return (symbols.sign(self.name, ord(sign)) or sign) if is_private else sign

    def _codes(self, codes: bytes) -> Iterable[int]:
        """The codes in a string; those of an encoding of characters as the characters' own."""
        if not self.is_composite:
            return codes
        if not self.unicode:
            return (int.from_bytes(codes[i : i + 2]) for i in range(0, len(codes), 2))
        try:
            return map(ord, codes.decode(self.unicode))
        except UnicodeDecodeError as error:
            raise Unknown from error

    def _composite(self, code: int) -> Glyph:
        sign = chr(code)
        if self.unicode:
            # A table has the codes as they are in the file, and these are those of UTF-16 alone.
            text = self.to_unicode.get(sign, sign) if self.unicode == "utf-16-be" else sign
            return Glyph(text, code, 1.0 if east_asian_width(sign) in "WFA" else 0.5)
        if sign not in self.to_unicode:
            raise Unknown
        return Glyph(self.to_unicode[sign], code, self._width(sign))

    def _simple(self, code: int) -> Glyph:
        text = self.to_unicode.get(chr(code))
        if text is None and isinstance(self.encoding, dict):
            text = self.encoding.get(code)
        # A name such as /g12 is that of a glyph which is no known character.
        if text is None or (len(text) > 1 and text.startswith("/")):
            raise Unknown
        return Glyph(text, code, self._width(chr(code)))

    def _width(self, key: str) -> float:
        return float(self.widths.get(key, self.widths.get("default", 500))) / 1000


def _encoding(name: str) -> str:
    """Python's name of a composite font's encoding; empty where its codes are no characters."""
    if "UTF16" in name or "UCS2" in name:
        return "utf-16-be"
    return CHARACTERS.get(name, "")


def _is_named(resource: Any, font: PdfFont) -> bool:
    """Whether the codes of a simple font are those of an encoding, and not its own."""
    descriptor = font.font_descriptor
    has_own_codes = descriptor.font_file is not None and bool(descriptor.flags & SYMBOLIC)
    return "/Encoding" in resource or bool(font.character_map) or not has_own_codes


def _is_uncertain(sign: str) -> bool:
    if sign == "\ufffd":
        return True
    return category(sign) in UNCERTAIN and sign not in WHITE_SPACE
