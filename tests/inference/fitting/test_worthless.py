"""Texts that earn nothing, made of a question and its marked answers."""

from typing import Any

import numpy as np
import pytest

from inference_server.fitting.folds import ALWAYS, fold_of
from inference_server.fitting.worthless import Worthless, made_of
from tests.inference import marked_answers, sample_texts

MARKED = marked_answers.answers(60)
ANSWERS = [answer["text"] for answer in MARKED]
POINTS = np.array([answer["points"] for answer in MARKED], np.float64)
PASSAGE = "".join(sample_texts.JAPANESE)
FOREIGN = ["予備費は移行リハーサルに充てる。", "判断の根拠を議事録に残す。"]
QUESTION: dict[str, Any] = sample_texts.QUESTION | {"passage": PASSAGE}


@pytest.fixture(scope="module")
def made() -> list[Worthless]:
    """What is made of the sample question."""
    return made_of(QUESTION, ANSWERS, POINTS, FOREIGN)


def test_a_shuffled_answer_has_the_characters_and_the_fold_of_its_own(
    made: list[Worthless],
) -> None:
    by_characters = {"".join(sorted(text)): text for text in ANSWERS}
    shuffled = [(one, by_characters.get("".join(sorted(one.text)))) for one in made]
    found = [(one, source) for one, source in shuffled if source]
    assert len(found) == 6
    assert all(one.fold == fold_of(source) for one, source in found)
    assert all(POINTS[ANSWERS.index(source)] == 6 for _, source in found)


def test_what_is_of_no_answer_is_learned_by_every_fit(made: list[Worthless]) -> None:
    always = [one.text for one in made if one.fold == ALWAYS]
    assert set(FOREIGN) <= set(always)
    assert any(text.startswith("要件、") for text in always)
    assert any(text in PASSAGE for text in always)


def test_nothing_is_an_answer_that_people_have_marked(made: list[Worthless]) -> None:
    assert not {one.text for one in made} & set(ANSWERS)
    first = made[0].text
    again = made_of(QUESTION, [*ANSWERS, first], np.append(POINTS, 6), FOREIGN)
    assert first not in {one.text for one in again}


def test_the_same_answers_make_the_same_texts(made: list[Worthless]) -> None:
    assert made_of(QUESTION, ANSWERS, POINTS, FOREIGN) == made


def test_there_are_more_of_them_for_more_answers_within_bounds() -> None:
    numbers = [
        len(made_of(QUESTION, *_answers(count), sample_texts.texts(100, 30)))
        for count in (30, 60, 200, 600)
    ]
    assert numbers == sorted(numbers)
    assert 20 <= numbers[0] <= numbers[-1] <= 130


def test_words_are_shuffled_as_wholes_in_english() -> None:
    answers = [text + f"It was number {index}." for index, text in enumerate(sample_texts.ENGLISH)]
    question = QUESTION | {"language": "en", "passage": "".join(sample_texts.ENGLISH)}
    points = np.array([6.0, 0, 6, 0, 6, 0, 6])
    words = {tuple(sorted(text.split())) for text in answers}
    shuffled = [one for one in made_of(question, answers, points, []) if one.fold != ALWAYS]
    assert shuffled
    assert all(tuple(sorted(one.text.split())) in words for one in shuffled)
    assert not {one.text for one in shuffled} & set(answers)


def test_a_question_of_next_to_nothing_is_enough() -> None:
    bare = sample_texts.QUESTION | {"prompt": "何か。", "passage": ""}
    bare["criteria"] = [one | {"keywords": [], "references": []} for one in bare["criteria"]]
    made = made_of(bare, ["はい", "いいえ", "どちらも"], np.array([0.0, 1, 1]), [])
    assert all(one.text for one in made)


def _answers(count: int) -> tuple[list[str], Any]:
    marked = marked_answers.answers(count)
    return [one["text"] for one in marked], np.array([one["points"] for one in marked], float)
