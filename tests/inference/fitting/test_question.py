"""A question's calibration learns from people's marks, and text and seed alone decide it."""

from dataclasses import replace

import numpy as np
import pytest

from inference_server.fitting.examples import Example
from inference_server.fitting.question import calibrate
from inference_server.fitting.result import FitResult
from inference_server.judging.question import QuestionCalibration
from inference_server.scorer import Scorer
from tests.inference import marked_answers, sample_texts

QUESTION = sample_texts.QUESTION
EXAMPLES = [Example(**answer) for answer in marked_answers.answers(60)]
NEW = marked_answers.answers(100)[60:]
NEW_TEXTS = [answer["text"] for answer in NEW]


def silent(_stage: str, _fraction: float) -> None:
    pass


def test_it_marks_as_people_do(scorer: Scorer, calibration: QuestionCalibration) -> None:
    marks = scorer.score(QUESTION, NEW_TEXTS, calibration)
    right = [mark["points"] == answer["points"] for mark, answer in zip(marks, NEW, strict=True)]
    assert sum(right) >= 36


def test_it_marks_each_criterion_as_people_do(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    marks = scorer.score(QUESTION, NEW_TEXTS, calibration)
    points = [
        {criterion["code"]: criterion["points"] for criterion in mark["criteria"]} for mark in marks
    ]
    right = [own == answer["criteria"] for own, answer in zip(points, NEW, strict=True)]
    assert sum(right) >= 36


def test_the_same_examples_make_the_same_calibration(
    scorer: Scorer, question_fit: FitResult
) -> None:
    again = calibrate(scorer, QUESTION, EXAMPLES, silent)
    assert again.sha256 == question_fit.sha256
    assert again.metrics["out_of_fold"] == question_fit.metrics["out_of_fold"]


def test_it_measures_what_it_reached_out_of_fold(question_fit: FitResult) -> None:
    metrics = question_fit.metrics
    assert metrics["examples"] == 60
    assert metrics["kappa"] > 0.9
    assert len(metrics["out_of_fold"]) == 60
    points = [points for points, _ in metrics["out_of_fold"]]
    right = [own == example.points for own, example in zip(points, EXAMPLES, strict=True)]
    assert metrics["exact"] == pytest.approx(sum(right) / 60)
    assert 0 <= metrics["calibration_error"] <= 1


def test_out_of_fold_is_predicted_without_the_text_itself(scorer: Scorer) -> None:
    random = np.random.default_rng(3)
    noise = [
        replace(example, points=int(random.integers(2)) * 6, criteria=None) for example in EXAMPLES
    ]
    metrics = calibrate(scorer, QUESTION, noise, silent).metrics
    assert abs(metrics["kappa"]) < 0.4
    assert metrics["calibration_error"] < 0.25


def test_progress_only_rises_and_reaches_its_end(scorer: Scorer) -> None:
    progress: list[tuple[str, float]] = []
    calibrate(scorer, QUESTION, EXAMPLES[:30], lambda *report: progress.append(report))
    fractions = [fraction for _, fraction in progress]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert 0.9 < fractions[-1] <= 1


def test_it_stops_when_it_is_stopped(scorer: Scorer) -> None:
    class Enough(Exception):
        pass

    def stop(stage: str, _fraction: float) -> None:
        if stage == "heads":
            raise Enough

    with pytest.raises(Enough):
        calibrate(scorer, QUESTION, EXAMPLES, stop)


def test_it_grows_sure_of_rules_that_examples_show(scorer: Scorer) -> None:
    blanks = [Example("", 0, {"C1": 0, "C2": 0})] * 18
    result = calibrate(scorer, QUESTION, [*EXAMPLES[:40], *blanks], silent)
    assert result.metrics["out_of_fold"][-1] == [0, 0.95]
    [mark] = scorer.score(QUESTION, [" "], QuestionCalibration.unpack(result.artefact))
    assert mark["confidence"] == 0.95


def test_it_learns_criteria_from_thirty_examples_on(scorer: Scorer) -> None:
    examples = EXAMPLES[:40]
    enough = [
        replace(example, criteria={"C1": 4.0, "C2": 0.0 if index < 30 else 2.0})
        for index, example in enumerate(examples)
    ]
    too_few = [
        replace(example, criteria=None) if index >= 29 else example
        for index, example in enumerate(examples)
    ]
    without = calibrate(scorer, QUESTION, too_few, silent)
    assert QuestionCalibration.unpack(without.artefact).criteria == ()
    calibration = QuestionCalibration.unpack(calibrate(scorer, QUESTION, enough, silent).artefact)
    assert (calibration.criteria, calibration.constant) == (("C2",), {"C1": 4})


def test_it_learns_from_long_and_empty_looking_texts(scorer: Scorer) -> None:
    odd = [Example(text, 0, None) for text in sample_texts.texts(10, 3000)]
    odd += [Example("\u200b", 0, None), Example("？", 6, None)]
    metrics = calibrate(scorer, QUESTION, [*EXAMPLES[:40], *odd], silent).metrics
    assert metrics["examples"] == 52
