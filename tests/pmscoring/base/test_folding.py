"""How texts are folded, and how offsets lead back."""

from collections.abc import Callable
from typing import Any
from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmscoring.base import folding
from tests.pmscoring.base.written import ANY, WRITTEN


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ﾌﾟﾛｼﾞｪｸﾄ", "プロジェクト"),
        ("か\u3099き\u3099", "がぎ"),
        ("㍻３０年", "平成30年"),
        ("ＰＭＯ（①）", "PMO(1)"),
        ("  a \u3000\r\n b  ", "a b"),
        ("𠮷野家", "𠮷野家"),
        ("", ""),
        (" \u3000\n", ""),
    ],
)
def test_it_folds(text: str, folded: str) -> None:
    assert folding.fold(text).text == folded


@given(ANY)
def test_both_ways_to_fold_agree(text: str) -> None:
    assert folding.fold(text).text == folding.folded(text)


@given(WRITTEN)
def test_it_folds_as_nfkc_does(text: str) -> None:
    assert folding.folded(text) == " ".join(normalize("NFKC", text).split())


@given(WRITTEN)
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
        assert folded.text[start:end].strip() in folding.folded(text[first:last])


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
