"""Numbers as a word processor writes them before paragraphs (ECMA-376, part 1, ST_NumberFormat)."""

from collections.abc import Callable

AIUEO = (
    "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
)
IROHA = (
    "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス"
)
ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L")),
    *((40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
KANJI, LEGAL = "〇一二三四五六七八九", "零壱弐参四伍六七八九"
Numeral = Callable[[int], str]


def roman(number: int) -> str:
    """MCMXCIX for 1999."""
    written = ""
    for value, sign in ROMAN:
        times, number = divmod(number, value)
        written += sign * times
    return written


def kanji(number: int, digits: str = KANJI, places: str = "十百千", *, ones: bool = False) -> str:
    """二十一 for 21; with `ones`, a one is written before 十, 百 and 千 too."""
    if number == 0 or number > 9999:
        return "".join(digits[int(digit)] for digit in str(number))
    written = ""
    for place, unit in ((1000, places[2]), (100, places[1]), (10, places[0]), (1, "")):
        digit, number = divmod(number, place)
        if digit:
            written += ("" if digit == 1 and unit and not ones else digits[digit]) + unit
    return written


def _letters(alphabet: str) -> Numeral:
    """B for 2; letters are repeated at the end of the alphabet, AA for 27."""

    def numeral(number: int) -> str:
        times, index = divmod(number - 1, len(alphabet))
        return alphabet[index] * (times + 1) if number else "0"

    return numeral


def _signs(first: str, most: int) -> Numeral:
    """① for 1, where the signs for 1 to `most` follow each other in Unicode."""
    return lambda number: chr(ord(first) + number - 1) if 1 <= number <= most else str(number)


def _ordinal(number: int) -> str:
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


NUMERALS: dict[str, Numeral] = {
    "decimal": str,
    "decimalHalfWidth": str,
    "decimalZero": lambda number: f"{number:02}",
    "decimalFullWidth": lambda number: str(number).translate(FULL_WIDTH),
    "decimalFullWidth2": lambda number: str(number).translate(FULL_WIDTH),
    "upperRoman": roman,
    "lowerRoman": lambda number: roman(number).lower(),
    "upperLetter": _letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "lowerLetter": _letters("abcdefghijklmnopqrstuvwxyz"),
    "ordinal": _ordinal,
    "aiueo": _letters(AIUEO),
    "aiueoFullWidth": _letters(AIUEO),
    "iroha": _letters(IROHA),
    "irohaFullWidth": _letters(IROHA),
    "decimalEnclosedCircle": _signs("①", 20),
    "decimalEnclosedCircleChinese": _signs("①", 20),
    "decimalEnclosedFullstop": _signs("⒈", 20),
    "decimalEnclosedParen": _signs("⑴", 20),
    "ideographEnclosedCircle": _signs("㊀", 10),
    "ideographTraditional": _letters("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _letters("子丑寅卯辰巳午未申酉戌亥"),
    "ideographDigital": lambda number: "".join(KANJI[int(digit)] for digit in str(number)),
    "japaneseDigitalTenThousand": lambda number: "".join(KANJI[int(n)] for n in str(number)),
    "japaneseCounting": kanji,
    "chineseCounting": kanji,
    "chineseCountingThousand": lambda number: kanji(number, ones=True),
    "japaneseLegal": lambda number: kanji(number, LEGAL, "拾百阡", ones=True),
    "numberInDash": lambda number: f"- {number} -",
}
"""How a number is written, by the name of its format."""
