"""The general calibration learns from some questions and marks others."""

from dataclasses import replace

import numpy as np
import pytest

from inference_server.fitting.examples import Example, TooFew
from inference_server.fitting.general import calibrate, folds_of
from inference_server.fitting.result import FitResult
from inference_server.judging import artefacts
from inference_server.judging.general import GeneralCalibration
from inference_server.scorer import Scorer
from tests.inference import marked_questions, sample_texts

NEW = 8
"""A question that no test learns from."""


def silent(_stage: str, _fraction: float) -> None:
    pass


def rmse(scorer: Scorer, calibration: GeneralCalibration | None) -> float:
    """The root mean squared error on the new question, as a share of its points."""
    question, examples = marked_questions.question(NEW), marked_questions.examples(NEW)
    marks = scorer.score(question, [example["text"] for example in examples], calibration)
    errors = [
        mark["points"] - example["points"] for mark, example in zip(marks, examples, strict=True)
    ]
    return float(np.sqrt(np.mean(np.square(errors)))) / float(question["max_points"])


def test_it_marks_a_question_that_nobody_marked_nearer_to_people(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    assert rmse(scorer, general_calibration) < 0.2
    assert rmse(scorer, general_calibration) < rmse(scorer, None)


def test_from_the_same_marks_come_the_same_bytes(scorer: Scorer, general_fit: FitResult) -> None:
    again = calibrate(scorer, marked_questions.as_examples(), silent)
    assert (again.sha256, again.artefact) == (general_fit.sha256, general_fit.artefact)


def test_what_it_measures_of_a_question_has_not_seen_its_marks(
    scorer: Scorer, general_fit: FitResult
) -> None:
    """Reversing all points of the two questions of a fold changes no prediction for these two."""
    marked = marked_questions.as_examples()
    folds = folds_of([question for question, _ in marked])
    reversed_points = [
        (
            question,
            [replace(example, points=question["max_points"] - example.points) for example in own]
            if fold == folds[0]
            else own,
        )
        for (question, own), fold in zip(marked, folds, strict=True)
    ]
    before = general_fit.metrics["out_of_fold"]
    after = calibrate(scorer, reversed_points, silent).metrics["out_of_fold"]
    in_fold = np.repeat(np.array(folds) == folds[0], marked_questions.EXAMPLES)
    assert [pair for pair, is_in in zip(after, in_fold, strict=True) if is_in] == [
        pair for pair, is_in in zip(before, in_fold, strict=True) if is_in
    ]
    assert after != before


def test_it_measures_what_it_reaches_beside_the_uncalibrated_method(general_fit: FitResult) -> None:
    metrics = general_fit.metrics
    examples = 7 * marked_questions.EXAMPLES
    assert (metrics["questions"], metrics["examples"]) == (7, examples)
    assert metrics["rmse"] < metrics["uncalibrated"]["rmse"]
    assert metrics["r"] > 0.8
    assert metrics["accuracy"] is None


def test_points_by_criterion_are_learned_where_they_are_given(scorer: Scorer) -> None:
    """The second criterion earned nobody anything, whatever the total was."""
    questions = [
        marked_questions.question(index)
        | {
            "max_points": 4,
            "criteria": [
                marked_questions.question(place)["criteria"][0] | {"code": f"C{place}", "points": 2}
                for place in (index, 9)
            ],
        }
        for index in range(5)
    ]
    artefact = calibrate(
        scorer,
        [(question, first_criterion_only(index)) for index, question in enumerate(questions)],
        silent,
    ).artefact
    [mark] = scorer.score(questions[0], [sample_texts.JAPANESE[0]], artefacts.unpack(artefact))
    assert [criterion["points"] for criterion in mark["criteria"]] == [2, 0]


def first_criterion_only(index: int) -> list[Example]:
    """Examples with 0 to 2 whole points, all of them for the question's own criterion."""
    max_points = marked_questions.question(index)["max_points"]
    points = [
        (example["text"], 2 * example["points"] / max_points)
        for example in marked_questions.examples(index)
    ]
    return [
        Example(text, share, {f"C{index}": share, "C9": 0})
        for text, share in points
        if share == int(share)
    ]


def test_equal_questions_are_left_out_together() -> None:
    first, second = marked_questions.question(1), marked_questions.question(2)
    folds = folds_of([first, second, first | {"max_points": 3}, marked_questions.question(3)])
    assert folds[0] == folds[2]
    assert len(set(folds)) == 3


def test_examples_that_rules_mark_teach_nothing(scorer: Scorer) -> None:
    prompt = "遅れの原因を三つ挙げ、それぞれの対策も述べよ。"
    examples = [Example("", 0, None), Example(prompt, 4, None)]
    void = [(marked_questions.question(index) | {"prompt": prompt}, examples) for index in range(5)]
    with pytest.raises(TooFew):
        calibrate(scorer, void, silent)
