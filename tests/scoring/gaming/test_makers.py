"""Dishonest texts of each kind."""

from collections import Counter

import pytest

from pmscoring.base.texts import SECTION_BREAK
from tests.bench.gaming import makers
from tests.bench.gaming.makers import FILLER_CHARACTERS, MAKERS, Made, Material, made
from tests.scoring.gaming.made import GOOD, PASSAGE, material, wire

JAPANESE = "現場の業務の実態を要件に反映するため"
CRITERION = wire()["criteria"][0]


def texts_of(material: Material, kind: str, most: int = 10) -> list[str]:
    return [one.text for one in made(material, kind, most, "seed")]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("language", ["en", "ja", "zh"])
def test_two_runs_make_the_same_texts_and_no_more_than_asked_for(kind: str, language: str) -> None:
    ours = material(language)
    first = made(ours, kind, 2, "seed")
    assert first == made(ours, kind, 2, "seed")
    assert len(first) <= 2
    assert len({one.text for one in first}) == len(first)
    assert {one.kind for one in first} <= {kind}


def test_the_keywords_are_the_questions_own() -> None:
    named = wire(criteria=[{**CRITERION, "keywords": ["growth", "cell"]}])
    assert texts_of(material(wire=named), "keywords", 2) == [
        "growth, cell",
        "growth, cell, growth, cell, growth, cell",
    ]


def test_without_keywords_the_content_words_of_the_references_stand_in() -> None:
    assert texts_of(material(), "keywords")[0] == "cells, divide, growth, hormones, released"


def test_the_words_typical_of_full_marks_are_those_that_other_answers_lack() -> None:
    ours = material(full=["growth of all", "growth it is"], rest=["all of it is", "it is all"])
    first = texts_of(ours, "typical_words", 1)[0].split(", ")
    assert first[0] == "growth"
    assert Counter(first)["growth"] == makers.TIMES


def test_no_words_are_typical_where_all_answers_have_full_marks() -> None:
    assert texts_of(material(rest=[]), "typical_words") == []


@pytest.mark.parametrize("kind", ["shuffled_words", "shuffled_characters"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_shuffle_has_the_same_characters_in_another_order(kind: str, language: str) -> None:
    good = GOOD if language == "en" else (JAPANESE,)
    for one in made(material(language, good=good), kind, 5, "seed"):
        assert one.origin in good
        assert one.text != one.origin
        assert Counter(one.text) == Counter(one.origin)


def test_shuffled_words_stay_words() -> None:
    spoilt = made(material(), "shuffled_words", 1, "seed")[0]
    assert Counter(spoilt.text.split()) == Counter((spoilt.origin or "").split())


@pytest.mark.parametrize("kind", ["shuffled_words", "shuffled_characters", "word_list"])
def test_an_answer_of_a_few_words_is_not_spoilt(kind: str) -> None:
    assert texts_of(material(good=["Hormones make cells divide."]), kind) == []
    assert texts_of(material("ja", good=["現場の実態"]), kind) == []


def test_a_list_has_an_answers_content_words_once_each() -> None:
    listed = texts_of(material(), "word_list")[0]
    assert listed == "growth, hormones, released, cell, divide"


def test_japanese_lists_leave_out_what_is_hiragana_alone() -> None:
    listed = texts_of(material("ja", good=["現場のことであるため要件"]), "word_list")
    assert listed == ["現場、要件"]


def test_a_copy_of_the_passage_is_as_long_as_an_answer_may_be() -> None:
    limits = {"min": None, "max": 40, "count": "characters", "over_limit": "flag"}
    copies = texts_of(material(wire=wire(limits=limits)), "copied_passage")
    assert max(map(len, copies)) <= 40
    assert all(one in PASSAGE for one in copies)
    assert "Plants grow slowly in winter. Light is s" in copies


def test_keywords_after_the_passage_still_fit() -> None:
    limits = {"min": None, "max": 80, "count": "characters", "over_limit": "flag"}
    copies = texts_of(material(wire=wire(limits=limits)), "passage_and_keywords")
    assert copies
    assert all(len(one) <= 80 and one.endswith("hormones, released") for one in copies)


def test_a_question_without_a_passage_has_nothing_to_copy() -> None:
    assert texts_of(material(wire=wire(passage="")), "copied_passage") == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_filler_has_a_thousand_characters(language: str) -> None:
    found = texts_of(material(language), "filler", 3)
    assert [len(one) for one in found] == [FILLER_CHARACTERS] * 3


def test_chinese_filler_is_made_of_answers_to_other_questions() -> None:
    assert set(texts_of(material("zh", foreign=["一二", "三四"]), "filler")) == {
        "一二三四",
        "三四一二",
    }


def test_answers_to_the_next_question_are_taken_as_they_are() -> None:
    assert texts_of(material(), "other_question") == ["Because copper is a good conductor."]


def test_not_stands_after_every_auxiliary_that_has_none() -> None:
    good = ["It is hot, can not melt, was not cold and would break."]
    assert made(material(good=good), "inserted_not", 5, "seed") == [
        Made(
            "inserted_not",
            "It is not hot, can not melt, was not cold and would not break.",
            good[0],
        )
    ]


def test_an_answer_without_an_auxiliary_is_not_negated() -> None:
    assert texts_of(material(good=["Hormones make cells divide."]), "inserted_not") == []
    assert texts_of(material("ja"), "inserted_not") == []


def test_every_language_has_phrases_that_answer_nothing() -> None:
    assert "特になし" in texts_of(material("ja"), "no_answer", 20)
    assert "I don't know" in texts_of(material("en"), "no_answer", 20)
    assert "不知道" in texts_of(material("zh"), "no_answer", 20)


def test_essays_are_spoilt_section_by_section() -> None:
    essay = SECTION_BREAK.join(GOOD)
    for one in made(material(good=[essay]), "shuffled_words", 1, "seed"):
        parts = one.text.split(SECTION_BREAK)
        assert [Counter(part.split()) for part in parts] == [Counter(g.split()) for g in GOOD]


def test_other_texts_stand_once_in_each_section() -> None:
    sections = [{"label": name, "limits": {"min": None, "max": None}} for name in "ab"]
    ours = material(wire=wire(sections=sections))
    assert all(one.count(SECTION_BREAK) == 1 for one in texts_of(ours, "filler"))
