"""How texts are folded, and how offsets lead back."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmscoring.base import folding
from tests.pmscoring.base.written import ANY, FAMILY, WORDS, WRITTEN

PLAIN_SIGNS = "aZ9,.~ 要件のア、。・々"
SEEN_SIGNS = "a要，（①㍻〜＃ﾌ⻑\\か𠮷Ａ"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ﾌﾟﾛｼﾞｪｸﾄ", "プロジェクト"),
        ("か\u3099き\u3099", "がぎ"),
        ("㍻３０年", "平成30年"),
        ("ＰＭＯ（①）", "PMO(1)"),
        ("  a \u3000\r\n b  ", "a b"),
        ("3〜4月", "3~4月"),
        ("3～4月", "3~4月"),
        ("−2名 － 3 – 4 — 5", "-2名- 3 - 4 - 5"),
        ("‖ ∥", "‖ ‖"),
        ("“a” ‘b’ `c´ 〝d〟", "\"a\" 'b' 'c' \"d\""),
        ("a·b・c･d", "a・b・c・d"),
        ("C:\\ ¥5 ￥5 ＼", "C:¥ ¥5 ¥5 ¥"),
        ("成⻑⼈", "成長人"),
        ("か゛ハ゜", "がパ"),
        ("\ufeff要\u200b件\u200e\x1a", "要件"),
        ("co\u00adop 葛\U000e0100", "coop葛"),
        (FAMILY, FAMILY),
        ("あ\u200dい", "あい"),
        ("原因を調\r\nべ，切替え", "原因を調べ,切替え"),
        ("要件\u2028 \u3000の 変更", "要件の変更"),
        ("EC事業の売上2\n0億円とE\nRP", "EC事業の売上20億円とERP"),
        ("kaizen (改善)\nprocess", "kaizen (改善) process"),
        ("用途A\n\nB区分", "用途A B区分"),
        ("the\nproject 2\n0", "the project 2 0"),
        ("ERP 導入 project manager", "ERP導入project manager"),
        ("か \u3099", "か \u3099"),
        ("か\n\u3099", "か \u3099"),
        ("𠮷野家", "𠮷野家"),
        ("", ""),
        (" \u3000\n", ""),
    ],
)
def test_it_folds(text: str, folded: str) -> None:
    assert folding.fold(text).text == folded


@given(ANY | st.text(PLAIN_SIGNS) | st.text(SEEN_SIGNS))
def test_every_way_to_fold_agrees(text: str) -> None:
    assert folding.fold(text) == folding.fold_pieces(text)
    assert folding.folded(text) == folding.fold(text).text


@pytest.mark.parametrize("around", ["%s", "か%s\u3099", "a%sb"])
def test_every_way_to_fold_agrees_on_every_character(around: str) -> None:
    every = (around % chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert not [text for text in every if folding.fold(text) != folding.fold_pieces(text)]


@given(WORDS)
def test_it_folds_words_as_nfkc_does(text: str) -> None:
    assert folding.folded(text) == " ".join(normalize("NFKC", text).split())


@given(ANY)
def test_a_folded_text_folds_to_itself(text: str) -> None:
    assert folding.folded(folding.folded(text)) == folding.folded(text)


@given(ANY)
def test_it_leads_back_in_order_and_within_the_text(text: str) -> None:
    folded = folding.fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    bounds = zip(folded.starts, folded.ends, strict=True)
    assert all(0 <= start < end <= len(text) for start, end in bounds)
    assert list(folded.starts) == sorted(folded.starts)
    assert list(folded.ends) == sorted(folded.ends)


@given(WRITTEN, st.data())
def test_the_source_of_a_folded_span_says_what_the_span_says(
    text: str, data: st.DataObject
) -> None:
    folded = folding.fold(text)
    if folded.text:
        start = data.draw(st.integers(0, len(folded.text) - 1))
        end = data.draw(st.integers(start + 1, len(folded.text)))
        first, last = folded.to_source(start, end)
        said, source = folded.text[start:end], folding.folded(text[first:last])
        assert "".join(said.split()) in "".join(source.split())


@given(WRITTEN, st.data())
def test_a_folded_span_comes_back_as_the_characters_that_share_its_source(
    text: str, data: st.DataObject
) -> None:
    folded = folding.fold(text)
    if folded.text:
        start = data.draw(st.integers(0, len(folded.text) - 1))
        end = data.draw(st.integers(start + 1, len(folded.text)))
        source = folded.to_source(start, end)
        first, last = folded.from_source(*source)
        assert first <= start < end <= last
        assert folded.to_source(first, last) == source


@pytest.mark.parametrize(
    ("source", "said", "target", "moved"),
    [
        ("原因は要件の変更", "要件", "  原因は、要件の変更".replace("、", ""), "要件"),
        ("ﾃｽﾄ不足", "ﾃｽﾄ", "テスト不足", "テスト"),
        ("平成30年のこと", "30年", "㍻30年のこと", "30年"),
        ("平成30年のこと", "平", "㍻30年のこと", "㍻"),
        ("が　　ぎ", "ぎ", "か\u3099 き\u3099", "き\u3099"),
    ],
)
def test_it_moves_a_span_to_another_writing_of_the_text(
    source: str, said: str, target: str, moved: str
) -> None:
    start = source.index(said)
    place = folding.move_span(folding.fold(source), folding.fold(target), start, start + len(said))
    assert target[slice(*place)] == moved


def test_it_moves_an_empty_span_to_nowhere() -> None:
    assert folding.move_span(folding.fold("  a"), folding.fold("a"), 0, 1) == (0, 0)


MARKS = st.lists(
    st.sampled_from(["a", "か", "\u0301", "\u0316", "\u3099", "\u0344", "é", "\u200d"])
    | st.integers(1, 80).map("\u0301\u0316".__mul__),
    max_size=12,
).map("".join)


@given(MARKS)
def test_runs_of_marks_fold_to_what_folds_to_itself(text: str) -> None:
    folded = folding.folded(text)
    assert folding.folded(folded) == folded == folding.fold(text).text


@pytest.mark.parametrize("fold", [folding.fold, folding.folded])
def test_no_run_of_marks_is_normalised_that_takes_the_square_of_its_length(
    monkeypatch: pytest.MonkeyPatch, fold: Callable[[str], object]
) -> None:
    runs: list[int] = []
    lengths: list[int] = []

    def recorded(form: Any, text: str) -> str:
        marks = "".join("m" if combining(character) else " " for character in text)
        runs.append(max(map(len, marks.split()), default=0))
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(folding, "normalize", recorded)
    text = "a" + "\u0301\u0316" * 25_000 + "b"
    fold(text)
    assert 0 < max(runs) <= folding.MOST_MARKS
    assert sum(lengths) < 3 * len(text)


@pytest.mark.parametrize("other", [".", "あ", "A", "\n"])
def test_every_character_folds_to_what_folds_to_itself(other: str) -> None:
    everything = [chr(code) for code in range(0x3_0000) if not 0xD800 <= code < 0xE000]
    texts = map(folding.folded, map(f"{other}%s{other}".__mod__, everything))
    assert [ascii(text) for text in texts if folding.folded(text) != text] == []


@given(WRITTEN, st.data())
def test_invisible_characters_change_nothing(text: str, data: st.DataObject) -> None:
    text = text.replace("\u200d", "")
    place = data.draw(st.integers(0, len(text)))
    sign = data.draw(st.sampled_from("\u200b\ufeff\u200e\u2060\u00ad\x1a"))
    assert folding.folded(text[:place] + sign + text[place:]) == folding.folded(text)


@given(st.text(st.sampled_from("要件がのを，。ERP20"), min_size=2), st.data())
def test_wrapped_lines_fold_to_the_text_before(text: str, data: st.DataObject) -> None:
    text = f"要{text}件"
    width = data.draw(st.integers(2, 20))
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    if 2 * len(folding.WIDE.findall(text)) > len(text):
        assert folding.folded("\r\n".join(lines)) == folding.folded(text)


@given(st.text(st.sampled_from("あカア漢長〜‖—・¢£¬“”…¥é゛か"), max_size=20))
def test_the_form_in_which_a_computer_stores_a_text_changes_nothing(text: str) -> None:
    other = text.translate(str.maketrans("長〜‖—¢£¬¥…", "⻑～∥―￠￡￢￥⋯"))
    for stored in (other, normalize("NFD", text), normalize("NFC", text)):
        assert folding.folded(stored) == folding.folded(text)


def test_folding_takes_steps_by_the_length_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: Counter[str] = Counter()
    for name in ("_nfkc", "_is_between_words", "_safe"):
        function = getattr(folding, name)

        def counted(*args: Any, name: str = name, function: Any = function) -> Any:
            steps[name] += 1
            return function(*args)

        monkeypatch.setattr(folding, name, counted)
    for text in ("a b\nあ ", "\u200b\u0301 \u3099", "👨\u200d👩 \u200d", "か゛\r\n"):
        for size in (100, 1000):
            steps.clear()
            folding.fold(text * size)
            assert steps.total() <= 2 * len(text) * size
