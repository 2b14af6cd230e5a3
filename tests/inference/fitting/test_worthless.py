"""Texts that earn nothing at a question, and calibrations that have learned them."""

from typing import Any

import numpy as np
import pytest

from inference_server.fitting.examples import Example
from inference_server.fitting.folds import ALWAYS, fold_of, left_out
from inference_server.fitting.lessons import SHARE, Lessons
from inference_server.fitting.question import calibrate
from inference_server.fitting.worthless import CHATTER, LEAST, MOST, worthless_texts
from inference_server.judging.question import QuestionCalibration
from inference_server.judging.texts import Text
from inference_server.marking.marks import DOUBTED
from inference_server.scorer import Scorer
from pmscoring.base import texts
from tests.inference import marked_answers, sample_texts

QUESTION = sample_texts.QUESTION
EXAMPLES = [Example(**answer) for answer in marked_answers.answers(60)]
ANSWERS = [texts.folded(example.text) for example in EXAMPLES]
FOREIGN = [
    "予備費は移行リハーサルに充てる。",
    "判断の根拠を議事録に残す。",
    "監視の項目としきい値を運用部門と合意する。",
]
UNSEEN = (
    "昨日の晩ご飯は家族と一緒にカレーライスを食べて、デザートには林檎をむいた。",
    "夏休みの宿題で朝顔を育て、毎朝の花の数を日記に書いた。" * 12,
    "障害の連絡先としきい値を運用部門と取り決め、監視の手順書に記載する。",
)


def of(answers: int, foreign: list[str], **changes: Any) -> list[str]:
    return worthless_texts(QUESTION | changes, ANSWERS[:answers], foreign)


def test_they_are_other_questions_answers_and_talk_about_nothing() -> None:
    made = of(60, FOREIGN)
    assert set(FOREIGN) <= set(made)
    assert set(CHATTER["ja"]) <= set(made)
    assert set(CHATTER["en"]) <= set(of(60, FOREIGN, language="en"))
    assert of(60, FOREIGN) == made


def test_some_are_several_times_as_long_as_an_answer() -> None:
    usual = float(np.median([len(text) for text in ANSWERS]))
    assert max(map(len, of(60, []))) >= 4 * usual


def test_nothing_that_is_right_or_marked_is_among_them() -> None:
    right = QUESTION["criteria"][0]["references"]
    made = of(60, [*FOREIGN, *right, ANSWERS[0]])
    assert not {"", *right, *ANSWERS} & set(made)


def test_there_are_more_of_them_for_more_answers_within_bounds() -> None:
    many = [f"{number}番目の問いの答え" for number in range(300)]
    answers = [f"答え{number}" for number in range(1000)]
    made = [worthless_texts(QUESTION, answers[:count], many) for count in (10, 100, 1000)]
    assert [len(set(own) & set(many)) for own in made] == [LEAST, 20, MOST]


def test_a_question_without_answers_to_others_is_enough() -> None:
    assert of(0, [])


def test_they_count_a_share_of_the_marked_and_are_in_every_fit() -> None:
    one = Text("a", np.zeros((1, 2), np.float16), np.zeros(5, np.float32))
    lessons = Lessons.of([one] * 8, [one] * 4)
    assert lessons.weights.tolist() == [1] * 8 + [8 * SHARE / 4] * 4
    assert lessons.folds.tolist() == [fold_of("a")] * 8 + [ALWAYS] * 4
    assert left_out(lessons.folds) == [fold_of("a")]
    assert lessons.with_nothing(np.ones((8, 2))).sum() == 16


@pytest.fixture(scope="module")
def taught(scorer: Scorer) -> QuestionCalibration:
    """A calibration that knows right answers to other questions."""
    fit = calibrate(scorer, QUESTION, EXAMPLES, lambda *_: None, FOREIGN)
    assert fit.metrics["examples"] == len(fit.metrics["out_of_fold"]) == 60
    return QuestionCalibration.unpack(fit.artefact)


@pytest.mark.parametrize("text", UNSEEN)
def test_a_calibration_gives_what_is_about_something_else_nothing(
    scorer: Scorer, taught: QuestionCalibration, text: str
) -> None:
    [mark] = scorer.score(QUESTION, [text], taught)
    assert mark["points"] <= 0.1 * QUESTION["max_points"]
    assert "unlike" in mark["flags"]
    assert mark["confidence"] <= DOUBTED


def test_honest_answers_are_not_unlike(scorer: Scorer, taught: QuestionCalibration) -> None:
    new = [answer["text"] for answer in marked_answers.answers(160)[60:]]
    marks = scorer.score(QUESTION, new, taught)
    assert sum("unlike" in mark["flags"] for mark in marks) <= 1
