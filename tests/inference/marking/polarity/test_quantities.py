"""Numbers and units in figures, in kanji and in English words."""

import pytest

from inference_server.marking.polarity.quantities import kanji_number, quantities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12月の5時に3名で", [(12, "月"), (5, "時"), (3, "人")]),
        ("十二月の五時に三人で", [(12, "月"), (5, "時"), (3, "人")]),
        ("基準値の4割", [(40, "%")]),
        ("基準値の40%", [(40, "%")]),
        ("1,500万円", [(15_000_000, "円")]),
        ("千五百万円", [(15_000_000, "円")]),
        ("3か月と3ヶ月", [(3, "か月"), (3, "か月")]),
        ("9.5度", [(9.5, "度")]),
        ("2週間で", [(2, "週")]),
        ("二〇二六年", [(2026, "年")]),
        ("月曜日の朝", [(0, "曜")]),
        ("十分に確認し、二度と起こさない", []),
        ("一度だけ、一人ひとりが", []),
        ("第三者と一致する", []),
    ],
)
def test_it_reads_japanese(text: str, expected: list[tuple[float, str]]) -> None:
    found = quantities(text, "ja")
    assert [(quantity.value, quantity.unit) for quantity in found] == expected
    assert all(text[quantity.start : quantity.end] for quantity in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("within 3 days", [(3, "day")]),
        ("within three days", [(3, "day")]),
        ("forty-two percent of 1,200 items", [(42, "%"), (1200, "item")]),
        ("40% of it", [(40, "%")]),
        ("at one hundred degrees", [(100, "degree")]),
        ("ninety degrees", [(90, "degree")]),
        ("on monday at 5 a.m.", [(0, "weekday"), (5, "am")]),
        ("by december or march", [(10, "month by name"), (2, "month by name")]),
        ("it may marching on", []),
        ("this one is for two of them", []),
    ],
)
def test_it_reads_english(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(each.value, each.unit) for each in quantities(text, "en")] == expected


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("十", 10),
        ("二十", 20),
        ("百五", 105),
        ("千五百万", 15_000_000),
        ("三億", 3e8),
        ("一二", 12),
    ],
)
def test_it_reads_kanji_numerals(numeral: str, value: float) -> None:
    assert kanji_number(numeral) == value
