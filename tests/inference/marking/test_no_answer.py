"""Phrases that say that nothing is answered, in whatever writing, and never within an answer."""

import pytest

from inference_server.marking.no_answer import KINDS, LONGEST, NoAnswers
from pmscoring.base import texts

RIGHT = ("要件の漏れを防ぐ",)
PHRASES = [
    *("無回答", "無解答です", "未回答。", "（空欄）", "空白", "白紙", "パス", "パスします", "ぱす"),
    *("特になし", "とくになし。", "トクニナシ", "ﾄｸﾆﾅｼ", "特にありません", "特にございません。"),
    *("なし", "無し", "なしです", "ないです", "ありません", "該当なし", "回答なし", "解答は無し"),
    *("わかりません", "分かりません。", "ワカリマセン", "わからない", "まったく分かりません"),
    *("すみません、わかりません。", "申し訳ありませんが、分かりませんでした", "答えがわからない"),
    *("この問題は解けませんでした", "質問の意味がわかりません", "思いつきません", "忘れました"),
    *(
        "不明",
        "不明です。",
        "時間切れ",
        "時間切れです",
        "時間切れになりました",
        "時間切れのため無回答",
    ),
    *("解答できません", "時間不足により解答できず", "特に思いつきません", "ど忘れしました", "略"),
    *("ギブアップ", "お手上げです", "ノーコメント", "無回答です。時間切れでした。", " 無 回 答 "),
    *("N/A", "n/a", "N.A.", "Ｎ／Ａ", "None", "none.", "Nothing", "not applicable", "-- none --"),
    *("No answer", "(no answer)", "no response", "not answered", "[blank]", "left blank"),
    *("I don't know", "I don’t know.", "i dont know", "I do not know the answer", "IDK!"),
    *("I really don't know, sorry", "sorry, I don't know how to answer this question"),
    *("no idea, sorry", "I have no idea what this means", "Nothing in particular.", "no idea"),
    *(
        "I have no idea.",
        "unable to answer",
        "no clue",
        "I'm not sure",
        "unknown",
        "I forgot",
        "dunno",
    ),
    *("ran out of time", "I ran out of time.", "out of time", "skip", "skipped", "pass"),
    *("?", "？", "???", "…", "-", "―", "ー", "。", "/"),
]
ANSWERS = [
    *("要件が不明", "原因が不明だったから", "変化なし", "問題は特にありません", "影響はない"),
    *(
        "わかりませんでしたという報告を放置した",
        "空欄が多い",
        "パスワード",
        "絶対パス",
        "無回答率が高い",
    ),
    *("時間不足", "間に合いませんでした", "検討中", "not enough time", "did not finish", "empty"),
    *("時間がない", "時間が足りないから", "内容が分からないから", "担当者が知らない", "できません"),
    *("意見なし", "なしの木", "無", "はい", "いいえ", "同上", "×", "○", "0", "+", "=", "*"),
    *("none of the users agreed", "no answer from the users", "The users did not know", "no"),
    *("passport", "pass the test", "notebook", "nonexistent", "skip list", "blank line", "yes"),
    *("I don't know whether the users agreed", "It was unknown to the sponsor", "No response time"),
]


def is_no_answer(text: str, *right: str, further: tuple[str, ...] = ()) -> bool:
    return NoAnswers.of(further, [*map(texts.folded, right or RIGHT)]).has(texts.folded(text))


@pytest.mark.parametrize("text", PHRASES)
def test_a_phrase_that_answers_nothing_is_known_in_any_writing(text: str) -> None:
    assert is_no_answer(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_what_says_something_is_no_such_phrase(text: str) -> None:
    assert not is_no_answer(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("right", "kinds"),
    [
        ("なし", "nothing"),
        ("特になし。", "nothing"),
        ("None.", "nothing"),
        ("不明", "unknown"),
        ("パス", "left out"),
    ],
)
def test_where_a_reference_is_such_a_phrase_what_means_the_same_is_an_answer(
    kind: str, right: str, kinds: str
) -> None:
    by_kind = {"nothing": "ありません", "unknown": "わかりません", "left out": "無回答"}
    assert is_no_answer(by_kind[kind], right, "漏れ") is (kind != kinds)


def test_a_reference_of_marks_makes_marks_answers() -> None:
    assert is_no_answer("?")
    assert not is_no_answer("?", "？")
    assert not is_no_answer("/", "/")


def test_an_exam_has_phrases_of_its_own() -> None:
    further = ("白旗", "次へ進みます", "＊＊", " ")
    assert is_no_answer("白旗。", further=further)
    assert is_no_answer("次ヘ進ミマス", further=further)
    assert not is_no_answer("白旗を上げた", further=further)
    assert not is_no_answer("白旗", "白旗", further=further)
    assert not is_no_answer("×", further=further)


def test_a_long_text_is_not_compared() -> None:
    assert is_no_answer("なし" * (LONGEST // 2))
    assert not is_no_answer("なし" * LONGEST)
