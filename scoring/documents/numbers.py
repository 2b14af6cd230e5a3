"""Numbers as a spreadsheet shows them by their number format (ECMA-376, part 1, 18.8.31).

What is shown is what its sender read and meant: 0012 under 0000, 50% under 0%. A format that is not
known here raises NotShown, and so does one that hides digits which the cell has.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from pmscoring.base.words import words as _

EXACT_DIGITS = 15
"""Digits that a spreadsheet keeps of a number."""
GENERAL_WIDTH = 11
"""Characters of a number that the format General shows in a column that is wide enough."""
BY_COUNTRY = "\0"
"""What the country says that a spreadsheet was installed for, and no file."""
BUILT_IN = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    **dict.fromkeys((37, 38), f"#,##0;{BY_COUNTRY}"),
    **dict.fromkeys((39, 40), f"#,##0.00;{BY_COUNTRY}"),
    41: f'#,##0;{BY_COUNTRY};"-"',
    43: f'#,##0.00;{BY_COUNTRY};"-"',
    48: "##0.0E+0",
    49: "@",
} | dict.fromkeys((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)), "yyyy-mm-dd")
"""Formats that a file names by number alone. Currencies depend on the country, and so does how some
of them show negative numbers: -1,200 in Japan, (1,200) in the United States."""
TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<space>_.)|(?P<fill>\*.)'
    r"|\[\$(?P<currency>[^\]-]*)(?:-[0-9A-F]{1,6})?\]"
    r"|(?P<colour>\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color ?[0-9]+)\])"
    r"|(?P<exponent>E[+-])|(?P<general>General|G/標準)|(?P<digit>[0#?])|(?P<sign>[.,%/@])"
    r"|(?P<date>\[[hms]+\]|[ymdhsgea])|(?P<plain>[-+$()=:!^&'~{}<> ]|[^\x00-\x7f])",
    re.IGNORECASE | re.DOTALL,
)
PIECE = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]|.', re.DOTALL)
LITERALS = ("quoted", "escaped", "currency", "plain")


class NotShown(Exception):
    """The cell's text is not certain; the message says what the cell contains instead."""


class Token(NamedTuple):
    """A piece of a format: `digit`, `sign`, `general` or `literal`, and its characters."""

    kind: str
    text: str


COMMA = Token("sign", ",")


def shown(value: str, code: str) -> str:
    """The number, written as in XML, under the format `code`. Raises NotShown."""
    number = Decimal(value)
    sections = _sections(code)
    if "@" in sections[-1] and len(sections) < 4:
        sections = sections[:-1] or ["General"]
    section = sections[0]
    is_negative = number < 0
    if is_negative and len(sections) > 1:
        section, is_negative = sections[1], False
    elif number == 0 and len(sections) > 2:
        section = sections[2]
    if section == BY_COUNTRY:
        raise NotShown(_("a number whose format depends on the country; format the column as text"))
    text = _section(abs(number), _tokens(section)).strip()
    if not text:
        raise NotShown(_("a number that its format hides"))
    return f"-{text}" if is_negative and re.search("[1-9]", text) else text


def shown_text(value: str, code: str) -> str:
    """The text under the format `code`, which may add to it or hide it. Raises NotShown."""
    sections = _sections(code)
    if len(sections) < 4 and "@" not in sections[-1]:
        return value
    pieces = [value if token.text == "@" else token.text for token in _tokens(sections[-1])]
    if value and not "".join(pieces):
        raise NotShown(_("a text that its format hides"))
    return "".join(pieces)


@lru_cache(maxsize=256)
def _sections(code: str) -> list[str]:
    """The formats of positive numbers, negative ones, zero and texts, as far as there are any."""
    sections = [""]
    for piece in PIECE.findall(code):
        if piece == ";":
            sections.append("")
        else:
            sections[-1] += piece
    return sections


@lru_cache(maxsize=256)
def _tokens(section: str) -> list[Token]:
    tokens = []
    at = 0
    while at < len(section):
        match = TOKEN.match(section, at)
        if match is None or match["exponent"]:
            reason = _("a number in the format %s; format the column as text") % section
            raise NotShown(reason)
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "date":
            raise NotShown(_("a date or a time; format the column as text"))
        if kind in LITERALS:
            tokens.append(Token("literal", match[kind]))
        elif kind == "space":
            tokens.append(Token("literal", " "))
        elif kind not in ("fill", "colour"):
            tokens.append(Token(kind, match[0]))
    return tokens


def _section(number: Decimal, tokens: list[Token]) -> str:
    kinds = [token.kind for token in tokens]
    if "general" in kinds:
        general = _general(number)
        return "".join(general if token.kind == "general" else token.text for token in tokens)
    if any(token.text == "/" and token.kind == "sign" for token in tokens):
        return _fraction(number, tokens)
    return _decimal(number, tokens) if "digit" in kinds else "".join(t.text for t in tokens)


def _general(number: Decimal) -> str:
    text = format(float(number), f".{EXACT_DIGITS}g")
    if "e" in text and number >= 1:
        raise _too_long()
    # The width of the column decides how a longer number is rounded, and no file tells it for sure.
    if "e" in text or ("." in text and len(text) > GENERAL_WIDTH):
        raise NotShown(_("a number of which the sheet shows a part; format the column as text"))
    return text


def _too_long() -> NotShown:
    return NotShown(_("a number of more than %d digits; format the column as text") % EXACT_DIGITS)


def _fraction(number: Decimal, tokens: list[Token]) -> str:
    """For example 2 3/4 under `# ?/?`: the nearest of which the denominator has as many digits."""
    parts = re.fullmatch(r"(?:([#0?]+) )?[#0?]+/([#0?]+)", "".join(t.text for t in tokens).strip())
    if parts is None:
        raise NotShown(_("a fraction in a format that is not known; format the column as text"))
    nearest = Fraction(number).limit_denominator(10 ** len(parts[2]) - 1)
    whole, rest = divmod(nearest, 1) if parts[1] else (0, nearest)
    pieces = [str(whole)] if whole or not rest else []
    return " ".join([*pieces, f"{rest.numerator}/{rest.denominator}"] if rest else pieces)


def _decimal(number: Decimal, tokens: list[Token]) -> str:
    """The digits in the places of the format, filled from the point to both sides."""
    point = next((i for i, t in enumerate(tokens) if t == ("sign", ".")), len(tokens))
    left, right = tokens[:point], tokens[point + 1 :]
    digits = [i for i, token in enumerate(left) if token.kind == "digit"]
    # Behind the last place, before the point or at the end, each comma stands for a thousand.
    grouping = sum(token == COMMA for token in left[: max(digits, default=0)])
    scale = sum(token == COMMA for token in tokens) - grouping
    percents = sum(token == ("sign", "%") for token in tokens)
    places = sum(token.kind == "digit" for token in right)
    exact = number.scaleb(2 * percents - 3 * scale)
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    whole, _point, decimals = format(rounded, "f").partition(".")
    if len(whole) > EXACT_DIGITS:
        raise _too_long()
    text = _whole(whole.lstrip("0"), left, is_grouped=grouping > 0)
    return text + ("." if point < len(tokens) else "") + _decimals(decimals, right)


def _whole(digits: str, tokens: list[Token], is_grouped: bool) -> str:
    """The digits before the point, set from right to left; the first place takes the rest."""
    pieces: list[str] = []
    open_places = sum(token.kind == "digit" for token in tokens)
    put = 0
    for token in reversed(tokens):
        if token.kind != "digit":
            pieces.append("" if token == COMMA else token.text)
            continue
        open_places -= 1
        count = 1 if open_places else max(len(digits), 1)
        for _turn in range(count):
            digit = digits[-1:] or {"0": "0", "?": " "}.get(token.text, "")
            digits = digits[:-1]
            pieces.append("," if is_grouped and digit.strip() and put and put % 3 == 0 else "")
            pieces.append(digit)
            put += 1
    return "".join(reversed(pieces))


def _decimals(digits: str, tokens: list[Token]) -> str:
    pieces, left = [], digits
    for token in tokens:
        if token.kind != "digit":
            pieces.append("" if token == COMMA else token.text)
            continue
        is_needed = token.text == "0" or left.strip("0")
        pieces.append(left[0] if is_needed else {"?": " "}.get(token.text, ""))
        left = left[1:]
    return "".join(pieces)
