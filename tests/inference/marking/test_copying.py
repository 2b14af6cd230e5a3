"""Answers that copy the question or its passage, and honest ones that share words with them."""

from typing import Any

import pytest

from inference_server.marking.rules import VOID, apply_rules
from inference_server.marking.sheet import Sheet
from pmscoring.base import texts
from tests.bench import sample

PASSAGE = (
    "K社は受注を担う基幹システムを刷新する。稼働は，繁忙期である12月を避けて翌年の9月とした。"
    "計画の段階では，要件定義に物流センターの担当者が一人も加わっていなかった。"
)
QUESTION: dict[str, Any] = {
    "language": "ja",
    "prompt": "M氏が物流センターの担当者に要件確認会への参加を要請した狙いは何か。",
    "passage": PASSAGE,
    "max_points": 4,
    "step": 1,
    "limits": {"min": None, "max": None, "count": "characters", "over_limit": "flag"},
    "criteria": [
        {
            "code": "C1",
            "label": "現場の実態",
            "points": 4,
            "references": ["物流センターの現場の実態を要件に反映する"],
            "keywords": ["現場", "業務の実態", "手戻り", "要件の漏れ"],
        }
    ],
    "model_answers": ["現場の実態を要件に反映し，漏れを防ぐため"],
    "sections": [],
}
ENGLISH: dict[str, Any] = QUESTION | {
    "language": "en",
    "prompt": "Why did Ms Ito ask the staff of the warehouses to join the weekly review?",
    "passage": "The members of the team all came from the planning office at the head office, and"
    " nobody among them had ever worked in one of the twelve warehouses of the company.",
    "criteria": [
        {
            "code": "C1",
            "label": "",
            "points": 4,
            "references": ["to bring the practice of the warehouses into the requirements"],
            "keywords": ["requirements", "rework", "practice"],
        }
    ],
    "model_answers": [],
}


def flags(text: str, question: dict[str, Any] = QUESTION, **changes: Any) -> list[str]:
    sheet = Sheet.of(question | changes)
    return apply_rules(text, texts.folded(text), sheet, 1.0).flags


@pytest.mark.parametrize(
    "text",
    [
        "稼働は，繁忙期である12月を避けて翌年の9月とした。",
        "稼働は繁忙期である１２月を避けて翌年の９月とした、から。",
        "要件定義に物流センターの担当者が一人も加わっていなかったため",
        "要件定義に物流センターの担当者が一人も加わっていなかった。現場、業務の実態、手戻り、要件の漏れ",
        "現場 手戻り 要件の漏れ 業務の実態 受注を担う基幹システムを刷新する",
    ],
)
def test_what_is_copied_from_the_passage_is_flagged_with_keywords_or_without(text: str) -> None:
    assert "copied_passage" in flags(text)


@pytest.mark.parametrize(
    "text",
    [
        "The members of the team all came from the planning office at the head office.",
        "nobody among them had ever worked in one of the twelve warehouses: requirements, rework",
    ],
)
def test_english_is_compared_word_by_word(text: str) -> None:
    assert "copied_passage" in flags(text, ENGLISH)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("物流センターの現場の実態を要件に反映し、作り直しを避けるため", QUESTION),
        ("物流センターの担当者", QUESTION),
        ("12月は繁忙期なので、障害が起きたときの影響が大きいため", QUESTION),
        (
            "「担当者が一人も加わっていなかった」とあり、現場でしか分からない例外が漏れるから",
            QUESTION,
        ),
        ("Because the practice of the warehouses was missing in the requirements.", ENGLISH),
        ("The staff of the warehouses know how the work is really done there.", ENGLISH),
        ("the planning office", ENGLISH),
        ("It is heavier than the others because it sinks.", ENGLISH),
    ],
)
def test_an_honest_answer_may_share_words_with_the_question(
    text: str, question: dict[str, Any]
) -> None:
    assert not {"copied_prompt", "copied_passage"} & set(flags(text, question))


def test_a_question_may_ask_for_words_of_the_passage() -> None:
    asked = "繁忙期である12月を避けて翌年の9月"
    by_reference = [QUESTION["criteria"][0] | {"references": [asked]}]
    assert "copied_passage" in flags(asked)
    assert flags(asked, criteria=by_reference) == []
    assert flags(f"稼働は，{asked}", criteria=by_reference) == []
    assert flags(asked, model_answers=[asked]) == []


def test_the_prompt_handed_back_is_flagged_although_a_reference_says_a_part_of_it() -> None:
    prompt = "利用部門が要件を確認していなかったことに触れて，遅れの原因を述べよ。"
    criteria = [QUESTION["criteria"][0] | {"references": ["利用部門が要件を確認していなかった"]}]
    asked: dict[str, Any] = {"prompt": prompt, "criteria": criteria}
    assert flags(prompt, **asked) == ["copied_prompt"]
    assert flags(prompt.removesuffix("を述べよ。"), **asked) == ["copied_prompt"]
    assert flags("利用部門が要件を確認していなかったこと", **asked) == []


def test_short_english_answers_do_not_copy_a_long_prompt() -> None:
    prompt = (
        "Ms. Teller has three jars with the same liquid and drops a stone, a cork and a nut into"
        " them. She says that the stone is heavier than the cork. How can she tell?"
    )
    for text in (
        "It is heavier than the cork and the nut.",
        "The stone sinks and the cork does not",
    ):
        assert flags(text, ENGLISH, prompt=prompt) == []


def test_of_the_sample_exam_only_copies_are_flagged_and_people_gave_them_next_to_nothing() -> None:
    found = {}
    for question in sample.questions():
        sheet = Sheet.of(question.wire)
        for text, points in zip(question.texts, question.points, strict=True):
            rules = apply_rules(text, texts.folded(text), sheet, 1.0)
            for flag in {"copied_prompt", "copied_passage"}.intersection(rules.flags):
                found[question.code, text] = flag, points / question.wire["max_points"]
    shares = [share for _flag, share in found.values()]
    assert len(found) == 15
    assert (sorted(shares)[-1], sum(shares)) == (0.2, 0.2)
    assert sum(flag == "copied_prompt" for flag, _share in found.values()) == 6


def test_copies_earn_no_points() -> None:
    assert {"copied_prompt", "copied_passage"} < VOID
