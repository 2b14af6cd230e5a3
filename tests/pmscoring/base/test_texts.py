"""How texts are counted, cut into sections and told apart."""

from itertools import pairwise
from typing import Any

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from pmscoring.base import texts
from tests.pmscoring.base.written import ANY, FAMILY, FLAG, WRITTEN


def graphemes(text: str) -> list[str]:
    return regex.findall(r"\X", text)


@given(ANY)
def test_its_characters_are_those_of_unicode(text: str) -> None:
    assert texts.graphemes(text) == graphemes(text)


def test_a_long_row_of_flags_is_as_many_characters() -> None:
    assert texts.graphemes(FLAG * 100_000) == [FLAG] * 100_000


@pytest.mark.parametrize(
    ("text", "characters", "cells"),
    [
        ("", 0, 0),
        ("要件の変更", 5, 5),
        ("𠮷野家", 3, 3),
        (FAMILY, 1, 1),
        (FLAG * 2, 2, 2),
        ("か\u3099", 1, 1),
        ("ｶﾞ", 1, 1),
        ("葛\U000e0100", 1, 1),
        ("a\nb\r\nc\rd", 4, 4),
        ("一行\n\n\n二行", 4, 4),
        ("　字下げ", 4, 4),
        ("ERP", 3, 2),
        ("2026年", 5, 3),
        ("AB12", 4, 2),
        ("3.5倍", 4, 4),
        ("12\n34", 4, 2),
        ("要件\u3000", 2, 2),
        ("要件 \r\n\u3000変更\t", 5, 5),
        ("\ufeff要\u200b件\u200e", 2, 2),
        ("1\u200b2", 2, 1),
        ("あ\u200dい", 2, 2),
        ("か゛", 1, 1),
        ("\u200b \u3000", 0, 0),
        ("1\n2", 2, 2),
        ("ＥＲＰ", 3, 3),
        ("ab cd", 5, 3),
    ],
)
def test_it_counts_as_on_the_answer_sheet(text: str, characters: int, cells: int) -> None:
    assert (texts.count(text, "characters"), texts.count(text, "cells")) == (characters, cells)


@given(ANY)
def test_it_counts_line_by_line_what_it_counts_at_once(text: str) -> None:
    for way in ("characters", "cells"):
        lines = texts.LINE_BREAK.split(text)
        assert texts.count(text, way) == sum(texts.count(line, way) for line in lines)


@given(ANY)
def test_cells_are_between_half_the_characters_and_all(text: str) -> None:
    characters, cells = (texts.count(text, way) for way in ("characters", "cells"))
    assert characters <= 2 * cells <= 2 * characters


@pytest.mark.parametrize(
    ("text", "most", "way", "kept"),
    [
        ("要件の変更", None, "characters", "要件の変更"),
        ("要件の変更", 5, "characters", "要件の変更"),
        ("要件の変更", 2, "characters", "要件"),
        ("要件の変更", 0, "characters", ""),
        (f"{FAMILY}{FAMILY}が", 1, "characters", FAMILY),
        ("か\u3099き\u3099", 1, "characters", "か\u3099"),
        ("12345", 2, "cells", "1234"),
        ("要\n件\n", 1, "characters", "要\n"),
    ],
)
def test_it_keeps_what_is_within_the_limit(
    text: str, most: int | None, way: str, kept: str
) -> None:
    assert texts.within_limit(text, most, way) == kept


@given(ANY, st.integers(0, 25), st.sampled_from(["characters", "cells"]))
def test_it_keeps_the_longest_beginning_that_the_limit_lets(text: str, most: int, way: str) -> None:
    kept = texts.within_limit(text, most, way)
    assert text.startswith(kept)
    assert texts.count(kept, way) <= most
    if rest := graphemes(text[len(kept) :]):
        assert texts.count(kept + rest[0], way) > most


LABELS = ["設問ア", "設問イ", "設問ウ"]


def cut(text: str, labels: list[str] | None = None) -> list[str]:
    spans = texts.sections(text, LABELS if labels is None else labels)
    return [text[start:end] for start, end in spans]


def test_a_text_without_sections_is_one() -> None:
    assert cut("a\fb", []) == ["a\fb"]


def test_a_form_feed_begins_a_section() -> None:
    assert cut("あ\fい\fう") == ["あ", "い", "う"]


def test_form_feeds_beyond_the_last_section_belong_to_it() -> None:
    assert cut("あ\fい\fう\fえ") == ["あ", "い", "う\fえ"]


def test_sections_without_a_form_feed_are_empty() -> None:
    assert cut("あ\fい") == ["あ", "い", ""]


def test_a_label_line_begins_a_section() -> None:
    assert cut("設問ア\nあ\n設問イ\nい\n設問ウ\nう") == ["あ\n", "い\n", "う"]


def test_labels_are_found_in_any_writing_and_with_any_line_break() -> None:
    assert cut("　設問ｱ \r\nあ\r\n設問イ\r\nい") == ["あ\r\n", "い", ""]


def test_labels_are_found_in_any_order() -> None:
    assert cut("設問イ\nい\n設問ア\nあ\n") == ["あ\n", "い\n", ""]


def test_a_label_within_a_sentence_is_text() -> None:
    assert cut("設問ア\n設問イで述べる\n設問イ\nい") == ["設問イで述べる\n", "い", ""]


def test_a_label_begins_a_section_once() -> None:
    assert cut("設問ア\nあ\n設問ア\nまた\n") == ["あ\n設問ア\nまた\n", "", ""]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("設問ア　概要", "概要"),
        ("設問ア 1．プロジェクトの概要", "1．プロジェクトの概要"),
        ("設問ｱ：概要", "概要"),
        ("設問ア．概要", "概要"),
        ("【設問ア】概要", "概要"),
        ("■設問ア　概要", "概要"),
    ],
)
def test_a_label_with_a_title_begins_a_section_that_keeps_the_title(
    heading: str, title: str
) -> None:
    assert cut(f"{heading}\nあ\n設問イ\nい") == [f"{title}\nあ\n", "い", ""]


@pytest.mark.parametrize(
    "heading", ["【設問イ】", "＜設問イ＞", "■ 設問イ", "## 設問イ:", "(設問イ)"]
)
def test_a_label_in_a_frame_begins_a_section(heading: str) -> None:
    assert cut(f"設問ア\nあ\n{heading}\nい") == ["あ\n", "い", ""]


@pytest.mark.parametrize(
    "line",
    [
        "設問イ で述べたように、",
        "設問イ　前提は合意である。",
        "設問イ" + " あ" * 40,
        "設問イウ 概要",
        "設問イ.5",
    ],
)
def test_a_sentence_that_begins_with_a_label_is_text(line: str) -> None:
    assert cut(f"設問ア\n{line}\n") == [f"{line}\n", "", ""]


def test_an_english_sentence_that_begins_with_a_label_is_text() -> None:
    labels = ["Part A", "Part B"]
    assert cut("Part A\nPart B is below\n", labels) == ["Part B is below\n", ""]
    assert cut("Part A: aims\na\nPart B\nb", labels) == [" aims\na\n", "b"]


def test_a_line_that_is_nothing_but_the_label_comes_before_one_with_a_title() -> None:
    text = "設問ア 概要\n設問イ 工夫\n設問ア\nあ\n設問イ\nい"
    assert cut(text) == ["設問ア 概要\n設問イ 工夫\n設問ア\nあ\n", "い", ""]


def test_what_stands_before_the_first_label_line_belongs_to_the_first_section() -> None:
    assert cut("あ\n設問イ\nい\n") == ["あ\n", "い\n", ""]


@pytest.mark.parametrize("rest", ["設問ア\nあ\n設問イ\nい\n", "設問イ\nい\n設問ア\nあ\n"])
def test_what_stands_before_the_first_label_line_is_never_lost(rest: str) -> None:
    assert "序" in "".join(cut(f"序\n{rest}"))
    asked = essay((None, None), (None, None))
    assert texts.text_key(f"序\n{rest}", asked) != texts.text_key(f"跋\n{rest}", asked)


def test_a_text_without_any_label_is_the_first_section() -> None:
    assert cut("あ\nい") == ["あ\nい", "", ""]


@given(st.lists(st.sampled_from([*LABELS, "あ", "い", "", "\f"]), max_size=8).map("\n".join))
def test_sections_never_overlap_and_there_is_one_for_each_label(text: str) -> None:
    spans = texts.sections(text, LABELS)
    assert len(spans) == len(LABELS)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    full = sorted(span for span in spans if span[0] < span[1])
    assert all(one[1] <= other[0] for one, other in pairwise(full))


def question(**limits: Any) -> dict[str, Any]:
    bounds = {"min": None, "max": None, "count": "characters", "over_limit": "flag"}
    return {"limits": bounds | limits, "sections": []}


def essay(*bounds: tuple[int | None, int | None], **limits: Any) -> dict[str, Any]:
    parts = [
        {"label": label, "limits": {"min": least, "max": most}}
        for label, (least, most) in zip(LABELS, bounds, strict=False)
    ]
    return question(**limits) | {"sections": parts}


@pytest.mark.parametrize(
    ("text", "limits", "verdict"),
    [
        ("", {}, "blank"),
        ("\u3000\n", {"min": 5}, "blank"),
        ("\u200b\ufeff", {}, "blank"),
        ("要件\u3000", {"max": 2}, "ok"),
        ("要件\u200b", {"max": 2}, "ok"),
        ("要件", {}, "ok"),
        ("要件", {"min": 2, "max": 2}, "ok"),
        ("要件", {"min": 3}, "too_short"),
        ("要件", {"max": 1}, "too_long"),
        ("要件", {"max": 0}, "too_long"),
        ("要\n件", {"max": 2}, "ok"),
        ("1234", {"max": 2}, "too_long"),
        ("1234", {"max": 2, "count": "cells"}, "ok"),
    ],
)
def test_it_judges_the_length(text: str, limits: dict[str, Any], verdict: str) -> None:
    assert texts.verdict(text, question(**limits)) == verdict


@pytest.mark.parametrize(
    ("text", "bounds", "limits", "verdict"),
    [
        ("ああ\fいい", [(2, 2), (2, 2)], {}, "ok"),
        ("ああ\fい", [(2, 2), (2, 2)], {}, "too_short"),
        ("ああ", [(2, 2), (2, 2)], {}, "too_short"),
        ("あああ\fい", [(2, 2), (2, 2)], {}, "too_long"),
        ("ああ\fいい", [(None, None), (None, None)], {"max": 3}, "too_long"),
        ("設問ア\nああ\n設問イ\nいい\n", [(2, 2), (2, 2)], {"max": 4}, "ok"),
    ],
)
def test_it_judges_the_length_of_every_section(
    text: str, bounds: list[tuple[int, int]], limits: dict[str, Any], verdict: str
) -> None:
    assert texts.verdict(text, essay(*bounds, **limits)) == verdict


def test_it_counts_every_section() -> None:
    asked = essay((None, None), (None, None))
    assert texts.section_counts("設問ア\nああ\n設問イ\nいいい\n", asked) == [2, 3]
    assert texts.section_counts("あ\nい", question()) == [2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("テスト不足", "ﾃｽﾄ不足"),
        ("テスト不足", "  テスト不足\r\n"),
        ("a b", "a\u3000\n b"),
        ("がぎ", "か\u3099き\u3099"),
        ("平成", "㍻"),
        ("3〜4月", "3～4月"),
        ("成長", "成⻑"),
        ("要件の変更", "要件\nの\u200b変更 "),
    ],
)
def test_two_writings_of_one_text_have_one_key(one: str, other: str) -> None:
    assert texts.text_key(one, question()) == texts.text_key(other, question())


@pytest.mark.parametrize(
    ("one", "other"), [("テスト", "てすと"), ("ab", "a b"), ("Test", "test"), ("要件", "要件。")]
)
def test_two_texts_have_two_keys(one: str, other: str) -> None:
    assert texts.text_key(one, question()) != texts.text_key(other, question())


def test_two_writings_that_differ_in_their_length_verdict_have_two_keys() -> None:
    assert texts.text_key("平成", question(max=1)) != texts.text_key("㍻", question(max=1))


def test_two_texts_of_which_different_parts_are_read_have_two_keys() -> None:
    asked = question(max=2, over_limit="truncate")
    one, other = "㍻㍻㍻", "平成平成平成"
    read = [texts.folded(texts.within_limit(text, 2, "characters")) for text in (one, other)]
    assert read == ["平成平成", "平成"]
    assert texts.text_key(one, asked) != texts.text_key(other, asked)


TWO = ((None, None), (None, None))
MARKED = "設問ア\nああ\n\n設問イ\n いい \n"


@pytest.mark.parametrize(
    ("text", "most", "read"),
    [
        (MARKED, None, MARKED),
        (MARKED, 4, MARKED),
        (MARKED, 3, "設問ア\nああ\n\n設問イ\n い"),
        (MARKED, 2, "設問ア\nああ\n\n設問イ\n "),
        (MARKED, 1, "設問ア\nあ"),
        ("設問イ\nいい\n設問ア\nああ", 3, "設問イ\nいい\n設問ア\nあ"),
        ("ああ \fいい", 4, "ああ \fいい"),
        ("ああ \fいい", 3, "ああ \fい"),
        ("ああ \fか\u3099か\u3099", 3, "ああ \fか\u3099"),
    ],
)
def test_of_an_essay_is_read_what_its_sections_hold_within_the_limit(
    text: str, most: int | None, read: str
) -> None:
    assert texts.read_part(text, essay(*TWO, max=most, over_limit="truncate")) == read


@given(
    st.lists(st.sampled_from([*LABELS[:2], " ", "あ", "い1", "", "\f"]), max_size=8).map("\n".join),
    st.integers(0, 6),
    st.sampled_from(["characters", "cells"]),
)
def test_of_an_essay_is_cut_off_only_what_is_over_the_limit(text: str, most: int, way: str) -> None:
    asked = essay(*TWO, max=most, over_limit="truncate", count=way)
    read = texts.read_part(text, asked)
    assert text.startswith(read)
    assert (read != text) == (texts.verdict(text, asked) == "too_long")


def test_a_key_tells_where_a_section_ends() -> None:
    asked = essay((None, None), (None, None))
    assert texts.text_key("あい\fう", asked) != texts.text_key("あ\fいう", asked)


def test_texts_cut_alike_that_do_not_fold_alike_have_two_keys() -> None:
    """Evidence could not be moved from one to the other."""
    asked = essay((None, None), (None, None))
    assert texts.text_key("あ\fい", asked) != texts.text_key("設問ア\nあ\n設問イ\nい", asked)


@given(WRITTEN)
@example("ﾊﾟ㍻ \u3000")
def test_a_text_has_the_key_of_its_folding_where_nothing_is_limited(text: str) -> None:
    assert texts.text_key(text, question()) == texts.text_key(texts.folded(text), question())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("要件\0変更", "U+0000 at offset 2"),
        ("ab\ud83dc", "surrogate at offset 2"),
        ("\udc00", "surrogate at offset 0"),
        ("ab" + "\u0301\u0316" * 16, "more than 30 combining marks in a row at offset 2"),
    ],
)
def test_it_refuses_what_cannot_be_stored_or_read(text: str, reason: str) -> None:
    assert reason in str(texts.refused_character(text))


@given(st.text().filter(lambda text: "\0" not in text))
@example("e" + "\u0301" * 30)
@example(FAMILY * 40)
def test_it_refuses_nothing_else(text: str) -> None:
    assert texts.refused_character(text) is None


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("要件の変更", 5, "要件の変更"),
        ("要件の変更", 2, "要件…"),
        (f"{FAMILY}が", 2, f"{FAMILY}が"),
        ("か\u3099き\u3099", 1, "か\u3099…"),
        ("", 3, ""),
        ("a" + "\u0301" * 50_000, 2, "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301…"),
    ],
)
def test_it_shows_the_beginning_of_a_text(text: str, most: int, shown: str) -> None:
    assert texts.beginning(text, most) == shown


def test_it_composes_names_and_leaves_runs_of_marks_alone() -> None:
    assert texts.composed("か\u3099.txt") == "が.txt"
    assert texts.composed("か" + "\u3099" * 31) == "か" + "\u3099" * 31


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("０１２３", "0123"),
        ("か\u3099-1", "が-1"),
        ("\u200e0456", "0456"),
        (" 0789\u3000", "0789"),
        ("A01", "A01"),
        ("Ａ−０１", "A-01"),
        ("山田 太郎", "山田 太郎"),
        ("SITE\\c1", "SITE\\c1"),
    ],
)
def test_identifiers_that_look_alike_are_one(written: str, identifier: str) -> None:
    assert texts.identifier(written) == identifier
    assert texts.refused_identifier(written) is None


@given(ANY)
def test_an_identifier_stays_as_it_is(text: str) -> None:
    assert texts.identifier(texts.identifier(text)) == texts.identifier(text)


@pytest.mark.parametrize("written", ["\u200b", " ", "\ufdfa" * 100])
def test_an_identifier_has_a_bounded_number_of_visible_characters(written: str) -> None:
    assert "1 to 100 visible characters" in str(texts.refused_identifier(written))
