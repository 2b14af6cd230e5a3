"""The rules of a mark, whatever method finds how well an answer says what is asked for."""

from typing import Any

import pytest

from inference_server.scorer import Scorer
from tests.inference import sample_texts

BOTH = "利用部門が要件を確認せず、ベンダーとの役割分担もあいまいだったから"
FIRST = "利用部門が要件を確認していなかった"
ENGLISH = "The users did not confirm the requirements before the work began."


def question(**changes: Any) -> dict[str, Any]:
    return {**sample_texts.QUESTION, **changes}


def limits(**changes: Any) -> dict[str, Any]:
    return {**sample_texts.QUESTION["limits"], **changes}


def criterion(**changes: Any) -> dict[str, Any]:
    return {**sample_texts.QUESTION["criteria"][0], **changes}


def places_of(result: dict[str, Any]) -> list[dict[str, int]]:
    return [place for criterion in result["criteria"] for place in criterion["evidence"]]


def mark(scorer: Scorer, text: str, **changes: Any) -> dict[str, Any]:
    result: dict[str, Any] = scorer.score(question(**changes), [text])[0]
    return result


@pytest.mark.parametrize("step", [1, 0.5])
def test_its_points_are_on_the_step_and_within_bounds(scorer: Scorer, step: float) -> None:
    stepped = question(step=step)
    for result in scorer.score(stepped, [*sample_texts.texts(40, 80), BOTH, FIRST]):
        earned = {part["code"]: part["points"] for part in result["criteria"]}
        for criterion in stepped["criteria"]:
            assert 0 <= earned[criterion["code"]] <= criterion["points"]
        assert 0 <= result["points"] <= stepped["max_points"]
        assert all(points % step == 0 for points in (*earned.values(), result["points"]))
        assert result["points"] == sum(earned.values())


def test_it_gives_a_model_answer_all_points(scorer: Scorer) -> None:
    result = mark(scorer, BOTH)
    assert result["points"] == 6
    assert result["flags"] == []


def test_it_gives_a_reference_the_points_of_its_criterion(scorer: Scorer) -> None:
    result = mark(scorer, FIRST)
    assert result["criteria"][0]["points"] == 4
    assert result["points"] < 6


def test_it_gives_nothing_for_what_has_nothing_to_do_with_the_question(scorer: Scorer) -> None:
    result = mark(scorer, "昨日の晩ご飯は家族と一緒にカレーライスを食べました。")
    assert result["points"] == 0
    assert all(criterion["evidence"] == [] for criterion in result["criteria"])


def test_it_is_not_confident_without_a_calibration(scorer: Scorer) -> None:
    assert mark(scorer, BOTH)["confidence"] is None


def test_it_caps_the_sum_of_the_criteria(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, max_points=5)
    assert sum(criterion["points"] for criterion in result["criteria"]) == 6
    assert result["points"] == 5


@pytest.mark.parametrize("text", ["", " ", "\u3000\n\t", "\r\n"])
def test_it_flags_a_blank(scorer: Scorer, text: str) -> None:
    result = mark(scorer, text)
    assert (result["points"], result["flags"]) == (0, ["blank"])


def test_it_flags_a_short_answer_and_still_marks_it(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, limits=limits(min=len(BOTH) + 1))
    assert result["flags"] == ["too_short"]
    assert result["points"] == 6


def test_it_flags_a_long_answer_and_still_marks_it(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, limits=limits(max=len(BOTH) - 1))
    assert result["flags"] == ["too_long"]
    assert result["points"] == 6


def test_it_flags_nothing_at_the_limit(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, limits=limits(min=len(BOTH), max=len(BOTH), over_limit="zero"))
    assert (result["points"], result["flags"]) == (6, [])


def test_it_gives_nothing_over_the_limit_where_the_question_says_so(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, limits=limits(max=len(BOTH) - 1, over_limit="zero"))
    assert (result["points"], result["flags"]) == (0, ["too_long"])
    assert all(criterion["evidence"] == [] for criterion in result["criteria"])


def test_it_does_not_read_beyond_the_limit_where_the_question_says_so(scorer: Scorer) -> None:
    filler = "昨日の晩ご飯は家族と一緒にカレーライスを食べました。"
    cut = limits(max=len(filler), over_limit="truncate")
    result = mark(scorer, filler + BOTH, limits=cut)
    assert "too_long" in result["flags"]
    assert result["points"] == mark(scorer, filler, limits=cut)["points"] == 0


def test_it_reads_what_is_within_the_limit_of_a_text_that_is_cut(scorer: Scorer) -> None:
    cut = limits(max=len(BOTH), over_limit="truncate")
    result = mark(scorer, BOTH + "。昨日の晩ご飯はカレーでした。", limits=cut)
    assert (result["points"], result["flags"]) == (6, ["too_long"])
    assert all(place["end"] <= len(BOTH) for place in places_of(result))


def test_it_flags_a_copy_of_the_prompt_and_gives_nothing(scorer: Scorer) -> None:
    prompt = "利用部門が要件を確認していなかったことに触れて、遅れの原因を述べよ。"
    result = mark(scorer, prompt, prompt=prompt)
    assert "copied_prompt" in result["flags"]
    assert result["points"] == 0


def test_it_lets_an_answer_quote_the_passage(scorer: Scorer) -> None:
    assert mark(scorer, BOTH, passage=BOTH * 3)["flags"] == []


@pytest.mark.parametrize("keywords", ["", "。要件、確認、役割分担、ベンダー"])
def test_it_gives_nothing_for_a_copy_of_the_passage_with_keywords_or_without(
    scorer: Scorer, keywords: str
) -> None:
    passage = (
        "要件の確認会が三度開かれたが、利用部門からの出席はなく、役割の分担も書面にされなかった。"
    )
    words = [criterion(keywords=["要件", "確認", "役割分担", "ベンダー"])]
    result = mark(scorer, passage + keywords, passage=passage * 2, criteria=words, max_points=4)
    assert result["flags"] == ["copied_passage"]
    assert result["points"] == 0
    assert places_of(result) == []


@pytest.mark.parametrize(
    "text", ["無回答", "特になし。", "わかりません", "N/A", "I don't know.", "？"]
)
def test_it_gives_nothing_for_a_phrase_that_answers_nothing(scorer: Scorer, text: str) -> None:
    result = mark(scorer, text, limits=limits(min=30))
    assert (result["points"], result["flags"]) == (0, ["no_answer"])
    assert places_of(result) == []


def test_it_marks_an_answer_that_is_such_a_phrase(scorer: Scorer) -> None:
    result = mark(scorer, "なし", model_answers=["なし"])
    assert (result["points"], result["flags"]) == (6, [])


def test_it_knows_the_phrases_that_the_question_brings(scorer: Scorer) -> None:
    assert "no_answer" not in mark(scorer, "白旗です")["flags"]
    assert mark(scorer, "白旗です", no_answers=["白旗です"])["flags"] == ["no_answer"]


@pytest.mark.parametrize(
    ("text", "language", "flagged"),
    [
        (
            "要件定義、利用部門、合意形成、確認不足、影響分析、変更管理、進捗会議、課題管理",
            "ja",
            True,
        ),
        ("プロジェクト スコープ ステークホルダ リスク 要員 スキル 品質 納期", "ja", True),
        ("scope stakeholder risk quality schedule budget change control board", "en", True),
        (BOTH, "ja", False),
        ("変更管理の不備", "ja", False),
        ("WBSとEVMで進捗を管理するPMOの支援をCCBが承認した", "ja", False),
        ("顺序表的存储空间连续，支持随机访问，插入和删除需要移动元素", "ja", False),
        ("The users had not agreed on the scope before the work began.", "en", False),
        ("scope creep", "en", False),
        ("scope late approval", "en", False),
        ("scope approval budget delay", "en", True),
        ("scope approval delayed the budget", "en", False),
    ],
)
def test_it_flags_keywords_without_sentences(
    scorer: Scorer, text: str, language: str, flagged: bool
) -> None:
    assert ("stuffed" in mark(scorer, text, language=language)["flags"]) is flagged


LISTED = "要件定義、利用部門、合意形成、確認不足、影響分析、変更管理、進捗会議、課題管理"


def test_a_list_earns_nothing_where_no_model_answer_is_one(scorer: Scorer) -> None:
    text = "要件 利用部門 未確認 ベンダー 役割分担 曖昧 要件 利用部門 未確認"
    assert mark(scorer, text)["points"] == 0
    assert mark(scorer, text, model_answers=[text])["points"] == 6
    as_marked = mark(scorer, text, model_answers=[LISTED])
    assert "stuffed" not in as_marked["flags"]
    assert as_marked["points"] > 0


@pytest.mark.parametrize(
    "text", ["要件、未確認", "未確認要件", "要件 未確認 要件 未確認 要件 未確認"]
)
def test_keywords_alone_earn_nothing(scorer: Scorer, text: str) -> None:
    words = [criterion(keywords=["要件", "未確認"])]
    result = mark(scorer, text, criteria=words)
    assert (result["points"], result["flags"]) == (0, ["stuffed"])
    assert places_of(result) == []


def test_a_short_sentence_without_function_words_is_no_list_that_is_asked_for(
    scorer: Scorer,
) -> None:
    words = [criterion(keywords=["defects", "tests"], references=["Defects escaped hurried tests"])]
    result = mark(scorer, "tests, defects", language="en", criteria=words, model_answers=[])
    assert (result["points"], result["flags"]) == (0, ["stuffed"])


def test_a_sentence_in_chinese_is_no_list_that_is_asked_for(scorer: Scorer) -> None:
    sentence = "顺序表的存储空间连续，支持随机访问，插入和删除需要移动元素"
    words = [criterion(keywords=["顺序表", "随机访问"], references=[sentence])]
    result = mark(scorer, "随机访问，顺序表", criteria=words, model_answers=[])
    assert (result["points"], result["flags"]) == (0, ["stuffed"])


@pytest.mark.parametrize(
    ("text", "references"),
    [("未確認", [FIRST]), ("要件の未確認", [FIRST]), ("要件、未確認", ["未確認", "要件"])],
)
def test_a_term_and_terms_that_are_asked_for_are_answers(
    scorer: Scorer, text: str, references: list[str]
) -> None:
    words = [criterion(keywords=["要件", "未確認"], references=references)]
    assert "stuffed" not in mark(scorer, text, criteria=words)["flags"]


@pytest.mark.parametrize(
    ("language", "references", "text"),
    [
        ("ja", ["要件定義", "外部設計"], "要件定義、外部設計、内部設計、結合テスト、総合テスト"),
        (
            "en",
            ["scope creep", "late approval"],
            "scope creep late approval gold plating staff churn",
        ),
    ],
)
def test_a_list_of_terms_earns_its_points_where_terms_are_asked_for(
    scorer: Scorer, language: str, references: list[str], text: str
) -> None:
    terms = [criterion(label="", references=references, keywords=[])]
    result = mark(scorer, text, language=language, criteria=terms, model_answers=[])
    assert "stuffed" not in result["flags"]
    assert result["points"] > 0


def test_an_answer_in_note_form_is_flagged_and_earns_its_points(scorer: Scorer) -> None:
    terse = [criterion(references=["テストの観点が不足し、欠陥が残存している"], keywords=[])]
    result = mark(scorer, "テスト観点の不足、潜在欠陥の残存", criteria=terse)
    assert result["flags"] == ["stuffed"]
    assert result["points"] > 0


@pytest.mark.parametrize("label", ["原因", "観点A", "-", "1"])
@pytest.mark.parametrize("keywords", [[], ["変更管理"]])
def test_a_label_that_names_a_topic_is_no_answer(
    scorer: Scorer, label: str, keywords: list[str]
) -> None:
    topics = [criterion(label=label, references=[FIRST] if not keywords else [], keywords=keywords)]
    for text in (label, f"{label}として本を読む"):
        assert mark(scorer, text, criteria=topics, model_answers=[])["points"] == 0


def test_a_label_that_says_the_answer_is_one(scorer: Scorer) -> None:
    named = [criterion(label=FIRST, references=["変更管理が不十分で手戻りが多かった"], keywords=[])]
    assert mark(scorer, FIRST, criteria=named, model_answers=[])["points"] == named[0]["points"]


def test_nothing_is_off_topic_where_a_label_is_all_to_be_near_to(scorer: Scorer) -> None:
    text = "昨日の晩ご飯はカレーライスで、食後に林檎をむいた。"
    assert mark(scorer, text)["flags"] == ["off_topic"]
    bare = [criterion(references=[], keywords=[])]
    assert mark(scorer, text, criteria=bare, model_answers=[])["flags"] == []


REVERSED = "利用部門が要件を確認していた"


@pytest.mark.parametrize("before", ["", "㍻の㌔。　"])
def test_it_flags_what_denies_a_reference_and_names_the_place(scorer: Scorer, before: str) -> None:
    result = mark(scorer, before + REVERSED)
    [first, second] = result["criteria"]
    [doubt] = first["doubts"]
    assert result["flags"] == ["reversed"]
    assert first["points"] > 0
    assert doubt["reason"] == "negation"
    assert "確認" in (before + REVERSED)[doubt["start"] : doubt["end"]]
    assert second["doubts"] == []


@pytest.mark.parametrize(
    "text",
    [BOTH, FIRST, "要件を利用部門が確認しないまま進めた", "昨日の晩ご飯はカレーではなかった"],
)
def test_it_flags_no_right_answer_and_none_without_points_as_reversed(
    scorer: Scorer, text: str
) -> None:
    result = mark(scorer, text)
    assert "reversed" not in result["flags"]
    assert all(criterion["doubts"] == [] for criterion in result["criteria"])


def test_it_never_flags_a_model_answer_or_a_reference_as_reversed(scorer: Scorer) -> None:
    both = criterion(references=[FIRST, REVERSED])
    for text in (FIRST, REVERSED):
        assert mark(scorer, text, criteria=[both])["flags"] == []
    assert mark(scorer, REVERSED, model_answers=[REVERSED])["flags"] == []


def test_it_flags_another_number_of_the_unit(scorer: Scorer) -> None:
    numbered = criterion(references=["月曜日の5時の出荷業務に間に合わせる"], keywords=[])
    changes = {"criteria": [numbered], "model_answers": [], "prompt": "9時には開く。"}
    for text, flagged in (("8時", True), ("5時", False), ("五時", False), ("9時", True)):
        flags = mark(scorer, f"月曜日の{text}の出荷業務に間に合わせる", **changes)["flags"]
        assert ("reversed" in flags) is flagged


def test_a_number_of_the_prompt_excuses_one_that_no_reference_names(scorer: Scorer) -> None:
    bare = criterion(references=["月曜日の早朝の出荷業務に間に合わせる"], keywords=[])
    changes = {"criteria": [bare], "model_answers": [], "prompt": "5時には開く。"}
    for text, flagged in (("8時", True), ("5時", False)):
        flags = mark(scorer, f"月曜日の{text}の出荷業務に間に合わせる", **changes)["flags"]
        assert ("reversed" in flags) is flagged


def test_it_flags_an_answer_that_denies_all_that_it_says(scorer: Scorer) -> None:
    bare = [criterion(label="", references=[], keywords=["users"])]
    changes = {"criteria": bare, "model_answers": [], "max_points": 4, "language": "en"}
    text = "The users did not agree. They were not asked and could not say so."
    result = mark(scorer, text, **changes)
    assert result["points"] == 4
    assert "reversed" in result["flags"]


def test_it_asks_no_essay_whether_it_is_reversed(scorer: Scorer) -> None:
    sections = [{"label": "ア", "limits": {"min": None, "max": None}}]
    assert "reversed" not in mark(scorer, f"ア\n{REVERSED}。", sections=sections)["flags"]


@pytest.mark.parametrize(
    ("text", "language", "flagged"),
    [
        (ENGLISH, "ja", True),
        (ENGLISH, "en", False),
        (BOTH, "ja", False),
        (BOTH, "en", True),
        ("SLAの未合意とPMOの不在", "ja", False),
        ("ERP", "ja", False),
        ("123,456", "ja", False),
    ],
)
def test_it_flags_another_language(scorer: Scorer, text: str, language: str, flagged: bool) -> None:
    assert ("wrong_language" in mark(scorer, text, language=language)["flags"]) is flagged


@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        f"　　{FIRST}　。\r\n\r\n天気は晴れ。",
        "ﾍﾞﾝﾀﾞｰとの役割分担があいまいだった",
        "ベンダーとの役割分担か\u3099あいまいた\u3099った",
        f"㍻の時代から、{FIRST}。㌔㌘",
        f"👨‍👩‍👧𠮷野家。{FIRST}。𠮷",
        f"ＡＢＣ１２３、{FIRST}",
    ],
)
def test_its_evidence_lies_in_the_text_as_submitted(scorer: Scorer, text: str) -> None:
    result = mark(scorer, text)
    assert places_of(result)
    for place in places_of(result):
        assert 0 <= place["start"] < place["end"] <= len(text)
        assert text[place["start"] : place["end"]].strip()
        assert not text[place["end"] :].startswith(("\u3099", "\u200d", "ﾞ"))


def test_its_evidence_is_what_earned_the_points(scorer: Scorer) -> None:
    before, after = "㍻の朝は㌔㌘と晴れていた。", "。　夜は雨が降り、風も強かった。"
    [place] = mark(scorer, before + FIRST + after)["criteria"][0]["evidence"]
    evidence = (before + FIRST + after)[place["start"] : place["end"]]
    assert FIRST in evidence
    assert "雨" not in evidence


@pytest.mark.parametrize(
    "text",
    [
        BOTH.replace("ベンダー", "ﾍﾞﾝﾀﾞｰ"),
        f"  {BOTH}\r\n",
        BOTH.replace("だった", "た\u3099った"),
    ],
)
def test_it_marks_two_writings_of_one_text_alike(scorer: Scorer, text: str) -> None:
    variant, original = mark(scorer, text), mark(scorer, BOTH)
    for result in (variant, original):
        for criterion in result["criteria"]:
            del criterion["evidence"]
    assert variant == original


def test_it_falls_back_on_the_model_answers(scorer: Scorer) -> None:
    bare = [criterion(references=[], keywords=[])]
    changes = {"criteria": bare, "model_answers": [BOTH], "max_points": 4}
    near = "利用部門は要件を確認せず、ベンダーとの役割分担もあいまいなままだったため"
    assert mark(scorer, near, **changes)["points"] > 0
    assert mark(scorer, "カレーライスを食べました。", **changes)["points"] == 0


def test_it_judges_by_keywords_alone_where_there_is_nothing_else(scorer: Scorer) -> None:
    bare = [criterion(label="", references=[], keywords=["合意", "承認"])]
    changes = {"criteria": bare, "model_answers": [], "max_points": 4}
    assert mark(scorer, "承認も合意もないまま進めた", **changes)["points"] == 4
    assert mark(scorer, "天気が悪かった", **changes)["points"] == 0


def test_it_finds_keywords_in_any_writing(scorer: Scorer) -> None:
    bare = [criterion(label="", references=[], keywords=["ＳＬＡ", "ﾃｽﾄ"])]
    changes = {"criteria": bare, "model_answers": [], "max_points": 4}
    assert mark(scorer, "slaがないままテストした", **changes)["points"] == 4


def test_a_blank_keyword_is_found_nowhere(scorer: Scorer) -> None:
    bare = [criterion(label="", references=[], keywords=["\u3000"])]
    result = mark(scorer, "天気が悪かった", criteria=bare, model_answers=[], max_points=4)
    assert result["points"] == 0


def test_a_criterion_off_the_step_never_earns_more_than_its_points(scorer: Scorer) -> None:
    result = mark(scorer, BOTH, criteria=[criterion(points=2.5)], max_points=4)
    assert result["criteria"][0]["points"] <= 2.5


def test_it_marks_nothing_where_the_question_says_nothing(scorer: Scorer) -> None:
    bare = [criterion(label="", references=[], keywords=[])]
    result = mark(scorer, BOTH, criteria=bare, model_answers=[], prompt="")
    assert result["points"] == 0


@pytest.mark.parametrize("place", ["references", "label"])
def test_it_survives_a_blank_where_a_text_is_expected(scorer: Scorer, place: str) -> None:
    blank = [criterion(**{place: ["\u3000"] if place == "references" else "\u3000"})]
    assert mark(scorer, FIRST, criteria=blank)["points"] >= 0


def test_it_keeps_the_order_of_the_answers_and_marks_equal_texts_alike(scorer: Scorer) -> None:
    texts = [FIRST, "", BOTH, FIRST]
    assert scorer.score(question(), texts) == [mark(scorer, text) for text in texts]
