"""When an answer is doubted, on readings that know each character by itself."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference_server.marking import matching
from inference_server.marking.matching import Reading
from inference_server.marking.polarity.check import Check
from inference_server.marking.polarity.comparing import Doubt
from tests.inference import sample_texts

DENIED, AFFIRMED = "利用部門が要件を確認していない", "利用部門が要件を確認している"


def reading(text: str) -> Reading:
    """A token for each character, whose vector is that of the character alone."""
    vectors = np.zeros((len(text), 1024), np.float32)
    for place, character in enumerate(text):
        vectors[place, ord(character) % 1024] = 1
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, vectors, np.ones(len(text), np.float32))


def doubts(
    answer: str | Reading, *references: str, label: str = "", **changes: Any
) -> dict[int, Doubt]:
    criterion = {
        "code": "C1",
        "label": label,
        "points": 4,
        "references": list(references),
        "keywords": [],
    }
    question = {
        **sample_texts.QUESTION,
        "criteria": [criterion],
        "model_answers": [],
        "prompt": "",
        **changes,
    }
    readings = [reading(text) for text in (*references, label) if text]
    rubric = matching.rubric_of([readings], None)
    read = reading(answer) if isinstance(answer, str) else answer
    return dict(Check.of(question, [readings]).doubts(read, matching.matches(read, rubric, 1)))


@pytest.mark.parametrize(("answer", "reference"), [(AFFIRMED, DENIED), (DENIED, AFFIRMED)])
def test_it_doubts_what_denies_the_reference_and_what_affirms_what_it_denies(
    answer: str, reference: str
) -> None:
    doubt = doubts(answer, reference)[0]
    assert doubt.reason == "negation"
    assert "確認" in answer[doubt.start : doubt.end]


def test_one_reference_that_is_as_near_and_agrees_is_enough() -> None:
    assert doubts(AFFIRMED + "から", DENIED)
    assert not doubts(AFFIRMED + "から", DENIED, AFFIRMED + "。")


def test_a_reference_that_is_far_away_does_not_count() -> None:
    assert doubts(AFFIRMED + "から", DENIED, "役割の分担を確認している")


def test_a_label_neither_excuses_nor_accuses() -> None:
    assert doubts(AFFIRMED + "から", DENIED, label=AFFIRMED)
    assert not doubts(AFFIRMED + "から", AFFIRMED + "ので", label=DENIED)


def test_a_text_is_never_the_reverse_of_a_model_answer_that_it_is() -> None:
    assert not doubts(AFFIRMED, DENIED, model_answers=[AFFIRMED])


def test_it_does_not_ask_about_an_answer_that_is_not_near_to_the_reference() -> None:
    assert not doubts("天気が悪くて確認していない", AFFIRMED)


def test_it_does_not_ask_about_a_text_that_was_read_in_several_windows() -> None:
    read = reading(AFFIRMED)
    twice = replace(
        read,
        offsets=[*read.offsets, *read.offsets],
        vectors=np.concatenate([read.vectors] * 2),
        rarity=np.concatenate([read.rarity] * 2),
    )
    assert doubts(read, DENIED)
    assert not doubts(twice, DENIED)


@pytest.mark.parametrize(
    ("number", "doubted"), [("八時", True), ("5時", False), ("五時", False), ("9時", True)]
)
def test_it_doubts_a_number_of_the_unit_that_nothing_names(number: str, doubted: bool) -> None:
    found = doubts(f"出荷を{number}に始める", "出荷を5時に始める", prompt="9時に開く。")
    assert bool(found) is doubted
    if doubted:
        assert found[0].reason == "number"


def test_a_number_of_the_prompt_is_no_reason_where_the_reference_names_none() -> None:
    assert doubts("出荷を8時に始める", "出荷を時に始める", prompt="9時に開く。")
    assert not doubts("出荷を9時に始める", "出荷を時に始める", prompt="9時に開く。")


def test_a_further_number_beside_the_right_one_is_no_reason() -> None:
    assert not doubts("8時でなく出荷を5時に始める", "出荷を5時に始める")


@pytest.mark.parametrize(
    ("reference", "answer", "doubted"),
    [
        ("it is green and grows in light", "it is not green and grows in light", True),
        ("it is not red and grows in light", "it is not green and grows in light", False),
    ],
)
def test_one_not_is_enough_where_the_reference_denies_nothing(
    reference: str, answer: str, doubted: bool
) -> None:
    assert bool(doubts(answer, reference, language="en")) is doubted
