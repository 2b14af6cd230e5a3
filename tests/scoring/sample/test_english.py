"""The sample exam in English is the Japanese one, question by question."""

from typing import Any

import pytest

from scoring.contract.faults import faults
from scoring.exams.definitions import rule_faults
from tests.bench import sample

JAPANESE, ENGLISH = sample.exam(), sample.exam("exam.en")
questions = pytest.mark.parametrize(
    ("japanese", "english"),
    list(zip(JAPANESE["questions"], ENGLISH["questions"], strict=True)),
    ids=[question["code"] for question in JAPANESE["questions"]],
)
Question = dict[str, Any]


@pytest.mark.parametrize("definition", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_definition_can_be_loaded(definition: dict[str, Any]) -> None:
    assert faults("exam", definition) == []
    assert rule_faults(definition) == []


def test_both_exams_can_be_on_a_site_together() -> None:
    assert ENGLISH["code"] != JAPANESE["code"]
    assert ENGLISH["language"] == "en"
    assert "".join(str(ENGLISH).split()).isascii()


@questions
def test_a_question_has_the_same_fields_codes_and_points(
    japanese: Question, english: Question
) -> None:
    def frame(question: Question) -> list[Any]:
        criteria = [(c["code"], c["points"], sorted(c)) for c in question["criteria"]]
        return [*(question[name] for name in ("code", "max_points", "step")), criteria]

    assert sorted(english) == sorted(japanese)
    assert frame(english) == frame(japanese)


@questions
def test_a_question_has_as_many_references_keywords_and_model_answers(
    japanese: Question, english: Question
) -> None:
    def numbers(question: Question) -> list[Any]:
        criteria = [(len(c["references"]), len(c["keywords"])) for c in question["criteria"]]
        return [criteria, len(question["model_answers"]), len(question.get("sections", []))]

    assert numbers(english) == numbers(japanese)


@questions
def test_the_prompt_names_the_limit_and_the_model_answers_keep_it(
    japanese: Question, english: Question
) -> None:
    most = english.get("limits", {}).get("max")
    if most is None:
        assert "limits" not in japanese
        return
    assert f"{most} characters" in english["prompt"]
    assert all(len(answer) <= most for answer in english["model_answers"])
