"""The written pairs as the encoder reads them: reversals are doubted, right answers are not."""

from collections import Counter
from typing import Any

import pytest

from inference_server.marking import matching
from inference_server.marking.matching import Reading
from inference_server.marking.polarity.comparing import Doubt
from inference_server.scorer import Scorer
from tests.inference import sample_texts
from tests.inference.marking.polarity.pairs import CASES, Case


@pytest.fixture(scope="module")
def found(scorer: Scorer) -> dict[str, Doubt | None]:
    """By its text, the doubt about each answer of the pairs."""
    return {text: doubt for case in CASES for text, doubt in doubts_of(scorer, case).items()}


def doubts_of(scorer: Scorer, case: Case) -> dict[str, Doubt | None]:
    prepared = scorer.prepare(question_of(case))
    assert prepared.check
    check, rubric = prepared.check, prepared.rubric

    def use(reading: Reading) -> Doubt | None:
        return check.doubts(reading, matching.matches(reading, rubric, 1)).get(0)

    return scorer.read([*case.right, *case.wrong], use)


def question_of(case: Case) -> dict[str, Any]:
    criterion = {
        "code": "C1",
        "label": "",
        "points": 4,
        "references": list(case.references),
        "keywords": [],
    }
    return {
        **sample_texts.QUESTION,
        "language": case.language,
        "prompt": case.prompt,
        "criteria": [criterion],
        "model_answers": [],
    }


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_doubts_most_reversals(found: dict[str, Doubt | None], language: str) -> None:
    of_kind: Counter[str] = Counter()
    doubted: Counter[str] = Counter()
    for case in CASES:
        if case.language == language:
            of_kind[case.kind] += len(case.wrong)
            doubted[case.kind] += sum(found[text] is not None for text in case.wrong)
    assert of_kind.keys() == {"negation", "number", "cause"}
    assert all(doubted[kind] >= 0.9 * of_kind[kind] for kind in of_kind), doubted


@pytest.mark.parametrize("language", ["ja", "en"])
def test_it_doubts_next_to_no_right_answer(found: dict[str, Doubt | None], language: str) -> None:
    right = [text for case in CASES if case.language == language for text in case.right]
    doubted = [text for text in right if found[text]]
    assert len(doubted) <= 0.05 * len(right), doubted


def test_it_names_what_was_turned_around(found: dict[str, Doubt | None]) -> None:
    for case in CASES:
        for text in case.wrong:
            if doubt := found[text]:
                assert doubt.reason == case.kind
                assert 0 <= doubt.start < doubt.end <= len(text)


def test_there_are_enough_pairs() -> None:
    pairs = Counter(case.language for case in CASES for _ in case.wrong)
    assert pairs["ja"] >= 30
    assert pairs["en"] >= 20
