"""The characters that fonts of symbols show, which have no character codes of their own.

Such a font shows a sign of its own in place of a letter, as Wingdings a tick in place of `ü`. Files
name the sign by the letter's code or by that code in the private use area, F000 to F0FF.
"""

import re

PRIVATE = 0xF000
SUBSET, STYLE = re.compile(r"^[A-Z]{6}\+"), re.compile("-?regular$|mt$")
"""What PDF files add to the names of fonts."""
WINGDINGS = {
    0x6C: "●", 0x6D: "❍", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x72: "❒", 0x74: "⧫", 0x75: "◆",
    0x76: "❖", 0x77: "⬥", 0x9E: "·", 0x9F: "•", 0xA1: "○", 0xA7: "▪", 0xA8: "◻", 0xAB: "★",
    0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xEF: "⇦", 0xF0: "⇨",
    0xF1: "⇧", 0xF2: "⇩", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
SYMBOL = {
    **dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True)),
    **dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True)),
    **{code: chr(code) for code in (0x20, 0x28, 0x29, 0x2B, 0x2C, *range(0x2E, 0x40))},
    0x2D: "−", 0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓",
    0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈",
    0xDB: "⇔", 0xDE: "⇒", 0xE5: "∑", 0xD6: "√",
}  # fmt: skip
FONTS: dict[str, dict[int, str]] = {
    "wingdings": WINGDINGS,
    "wingdings 2": {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0xA3: "□"},
    "wingdings 3": {},
    "webdings": {0x61: "✓", 0x72: "✗", 0x63: "□", 0x67: "■", 0x6E: "●"},
    "symbol": SYMBOL,
    "opensymbol": SYMBOL | {0x95: "•"},
}


def is_of_symbols(font: str) -> bool:
    """Whether the font shows signs of its own in place of letters."""
    return _name(font) in FONTS


def sign(font: str, code: int) -> str | None:
    """The character that looks like the sign of this code, or None where it is not known."""
    signs = FONTS.get(_name(font))
    if signs is None:
        return None if 0xE000 <= code <= 0xF8FF else chr(code)
    return signs.get(code - PRIVATE if code >= PRIVATE else code)


def _name(font: str) -> str:
    return STYLE.sub("", SUBSET.sub("", font).casefold())
