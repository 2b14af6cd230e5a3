"""Numbers with their units, in figures, kanji or English words; weekdays and months by name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose

from inference_server.marking.polarity import english_words as words

FIGURES = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
DIGITS = {sign: value for value, sign in enumerate("〇一二三四五六七八九")}
TENS = {"十": 10, "百": 100, "千": 1000}
MYRIADS = {"万": 10**4, "億": 10**8, "兆": 10**12}
COUNTERS = (
    "[かカヶケ]月|時間|年間|日間|週間|分間|秒間|パーセント|ポイント|ページ|メートル|グラム|年度|年|月|日|週|時|分|秒|"
    "割|倍|度|人|名|件|個|回|台|社|円|点|本|枚|歳|次|種類|段階|項目|箇所|か所|カ所|工程|%|°c"
)
JAPANESE = re.compile(
    f"(?:(?P<figures>{FIGURES})(?P<myriad>千?[万億兆])?|(?P<kanji>[〇一二三四五六七八九十百千万億兆]+))"
    f"(?P<unit>{COUNTERS}|(?<=[0-9])[a-z]+|(?<=[0-9])[ァ-ヴー]+)|(?P<weekday>[月火水木金土日])曜"
)
SAME_UNIT = {
    "名": "人",
    "パーセント": "%",
    "°c": "度",
    "日間": "日",
    "年間": "年",
    "週間": "週",
    "分間": "分",
    "秒間": "秒",
    "カ所": "箇所",
    "か所": "箇所",
    "カ月": "か月",
    "ヶ月": "か月",
    "ケ月": "か月",
}
VAGUE = re.compile("十分|百点|千万|一[時度人日回点本件次年月名社]|二[度次]|三[者次]")
"""Words that are no counts: 十分 is "enough", 二度と "never again"."""
WEEKDAYS = "月火水木金土日"
NUMBER_WORDS = "|".join(sorted([*words.NUMBERS, *words.SCALES], key=len, reverse=True))
ENGLISH = re.compile(
    rf"(?<![\w.])(?P<number>(?:{FIGURES}|{NUMBER_WORDS})(?:[ -](?:{NUMBER_WORDS})\b)*)"
    rf" ?(?P<unit>%|[ap]\.?m\b|[a-z]+)|\b(?P<weekday>{'|'.join(words.WEEKDAYS)})|"
    rf"\b(?P<month>{'|'.join(words.MONTHS)})\b"
)


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, at the code points [start, end) of a folded text."""

    value: float
    unit: str
    start: int
    end: int

    def is_same(self, other: "Quantity") -> bool:
        """Whether the other has the same value and unit."""
        return self.unit == other.unit and isclose(self.value, other.value)


def quantities(text: str, language: str) -> list[Quantity]:
    """The quantities of a folded text in lower case, in their order."""
    return list(_japanese(text) if language == "ja" else _english(text))


def _japanese(text: str) -> Iterator[Quantity]:
    for match in JAPANESE.finditer(text):
        if weekday := match["weekday"]:
            yield Quantity(WEEKDAYS.index(weekday), "曜", *match.span())
        elif not VAGUE.fullmatch(match.group()):
            value = kanji_number(match["kanji"]) if match["kanji"] else _figures(match["figures"])
            value *= kanji_number(match["myriad"]) if match["myriad"] else 1
            unit = SAME_UNIT.get(match["unit"], match["unit"])
            if unit == "割":
                value, unit = value * 10, "%"
            yield Quantity(value, unit, *match.span())


def _figures(figures: str) -> float:
    return float(figures.replace(",", ""))


def kanji_number(numeral: str) -> float:
    """The value of a numeral in kanji, by place (二〇二六) or by powers of ten (千五百)."""
    if all(sign in DIGITS for sign in numeral):
        return float("".join(str(DIGITS[sign]) for sign in numeral))
    total = section = digit = 0
    for sign in numeral:
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in TENS:
            section, digit = section + (digit or 1) * TENS[sign], 0
        else:
            total, section, digit = total + (section + digit or 1) * MYRIADS[sign], 0, 0
    return float(total + section + digit)


def _english(text: str) -> Iterator[Quantity]:
    for match in ENGLISH.finditer(text):
        number, unit = match["number"], match["unit"]
        if weekday := match["weekday"]:
            yield Quantity(words.WEEKDAYS.index(weekday), "weekday", *match.span())
        elif month := match["month"]:
            yield Quantity(words.MONTHS.index(month), "month by name", *match.span())
        elif number != "one" and unit not in words.NO_UNIT:
            yield Quantity(_english_value(number), _english_unit(unit), *match.span())


def _english_unit(unit: str) -> str:
    if unit in ("percent", "per"):
        return "%"
    unit = unit.replace(".", "")
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit


def _english_value(number: str) -> float:
    total = 0.0
    for part in re.split("[ -]", number):
        if part in words.SCALES:
            total = (total or 1) * words.SCALES[part]
        else:
            total += words.NUMBERS[part] if part in words.NUMBERS else _figures(part)
    return total
