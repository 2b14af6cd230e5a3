"""What Japanese texts affirm, deny and leave open, word by word."""

import pytest

from inference_server.marking.polarity import japanese


def polarities(text: str) -> dict[str, str]:
    """By its stem, each word's polarity, with a star where negators stand right at it."""
    signs = {1: "+", 0: "0", -1: "-"}
    return {
        phrase.word.stem: signs[phrase.polarity] + "*" * phrase.is_turned
        for clause in japanese.clauses(text)
        for phrase in clause.phrases()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("要件を確認した", {"要件": "+", "確認": "+"}),
        ("要件を確認していなかった", {"要件": "-", "確認": "-*"}),
        ("要件を確認せず進めた", {"要件": "-", "確認": "-*", "進": "+"}),
        ("承認を得ずに変更した", {"承認": "-*", "変更": "+"}),
        ("未確認の要件がある", {"確認": "-*", "要件": "+"}),
        ("手戻りを防ぐ", {"手戻": "-*"}),
        ("手戻りを防げない", {"手戻": "+*"}),
        ("要件の漏れがある", {"要件": "-*", "漏れ": "+"}),
        ("要件の漏れを防ぐ", {"要件": "+*", "漏れ": "-*"}),
        ("要件の漏れや抜けがある", {"要件": "-*", "漏れ": "+", "抜け": "+"}),
        ("要員が足りない", {"要員": "-*"}),
        ("要件の確認が不足した", {"要件": "-", "確認": "-*", "不足": "+"}),
        ("確認しないため、遅れが出た", {"確認": "-*", "遅れ": "+", "出": "+"}),
        ("確認しなければならない", {"確認": "+"}),
        ("確認だけでなく承認も要る", {"確認": "+", "承認": "+", "要": "+"}),
        ("必ず確認する", {"確認": "+"}),
        ("担当者しか知らない", {"担当者": "+"}),
        ("少なくとも確認はした", {"確認": "+"}),
        ("繁忙期に停止する", {"繁忙期": "-", "停止": "+"}),
    ],
)
def test_it_denies_what_stands_before_a_negator(text: str, expected: dict[str, str]) -> None:
    found = polarities(text)
    assert {stem: found.get(stem) for stem in expected} == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("理解しているかを確かめる", "理解"),
        ("確認しないと遅れる", "確認"),
        ("分析しなければ見積りを誤る", "分析"),
        ("品質が良いのではなく、観点が偏る", "品質"),
        ("要件が漏れる恐れがあるから", "要件"),
        ("気付いても戻せず、出荷が止まる事態を避ける", "戻"),
        ("観点に問題がある", "観点"),
        ("間に合わなくなるから", "間に合"),
    ],
)
def test_it_leaves_open_what_is_asked_supposed_or_feared(text: str, word: str) -> None:
    assert polarities(text)[word].startswith("0")


@pytest.mark.parametrize("text", ["", "。", "单链表不可以，双链表可以", "要件確認不足", "ABC 123"])
def test_it_finds_nothing_where_there_are_no_sentences_of_japanese(text: str) -> None:
    assert polarities(text) == {}


def test_its_words_lie_at_their_places() -> None:
    text = "物流センターの例外作業を、要件に盛り込まないと漏れるため、再発防止策が不足した。"
    for clause in japanese.clauses(text):
        for phrase in clause.phrases():
            word = phrase.word
            assert text[word.start : word.end] == word.stem
            assert phrase.start <= word.start < word.end <= phrase.end <= len(text)


@pytest.mark.parametrize(
    "text",
    ["要件を確認した", "要件を確認していない", "要件の漏れを防ぐ", "未確認の要件", "承認を得ず"],
)
def test_a_glance_sees_every_text_that_denies(text: str) -> None:
    assert japanese.denies(text) or "-" not in "".join(polarities(text).values())
