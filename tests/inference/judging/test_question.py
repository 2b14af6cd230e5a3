"""Marks under a question's calibration, and its artefact."""

from dataclasses import replace

import pytest
from safetensors.numpy import load, save

from inference_server.fitting.result import FitResult
from inference_server.judging.packing import Unreadable, dump_header, read_headers
from inference_server.judging.question import QuestionCalibration
from inference_server.marking.marks import DOUBTED
from inference_server.scorer import Scorer
from tests.inference import marked_answers, sample_texts

QUESTION = sample_texts.QUESTION
NEW = marked_answers.answers(100)[60:]
"""Answers that it was not fitted to."""
NEW_TEXTS = [answer["text"] for answer in NEW]


def test_the_criteria_make_up_the_total(scorer: Scorer, calibration: QuestionCalibration) -> None:
    for mark in scorer.score(QUESTION, NEW_TEXTS, calibration):
        total = sum(criterion["points"] for criterion in mark["criteria"])
        assert mark["points"] == min(total, 6)


def test_it_shows_evidence_for_what_earned_points(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    for mark in scorer.score(QUESTION, NEW_TEXTS, calibration):
        for criterion in mark["criteria"]:
            assert bool(criterion["evidence"]) is bool(criterion["points"])


def test_it_is_confident_within_bounds(scorer: Scorer, calibration: QuestionCalibration) -> None:
    marks = scorer.score(QUESTION, NEW_TEXTS, calibration)
    assert all(0 < mark["confidence"] < 1 for mark in marks)


def test_a_mark_is_the_same_in_any_company(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    texts = NEW_TEXTS + sample_texts.texts(40, 700)
    together = scorer.score(QUESTION, texts, calibration)
    backwards = scorer.score(QUESTION, texts[::-1], calibration)[::-1]
    alone = [scorer.score(QUESTION, [text], calibration)[0] for text in texts]
    assert together == backwards == alone


def test_it_is_less_confident_of_what_may_be_reversed(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    judged = "利用部門が要件を確認していなかった", "利用部門が要件を確認していた"
    right, wrong = scorer.score(QUESTION, judged, calibration)
    assert "reversed" not in right["flags"]
    assert "reversed" in wrong["flags"]
    assert wrong["confidence"] <= DOUBTED


def test_rules_come_before_the_calibration(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    limits = QUESTION["limits"] | {"max": 20, "over_limit": "zero"}
    best = max(NEW, key=lambda answer: float(answer["points"]))["text"]
    blank, over = scorer.score(QUESTION | {"limits": limits}, ["", best], calibration)
    assert (blank["points"], blank["flags"]) == (0, ["blank"])
    assert (over["points"], over["flags"]) == (0, ["too_long"])


def test_copies_and_phrases_that_answer_nothing_have_no_points_under_it_either(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    best = max(NEW, key=lambda answer: float(answer["points"]))["text"]
    bare = [criterion | {"references": [], "label": ""} for criterion in QUESTION["criteria"]]
    copied = QUESTION | {"passage": best, "criteria": bare, "model_answers": []}
    [result] = scorer.score(copied, [best], calibration)
    assert result["points"] == 0
    assert "copied_passage" in result["flags"]
    assert result["confidence"] == calibration.void_judgement.confidence
    [result] = scorer.score(QUESTION, ["無回答"], calibration)
    assert (result["points"], result["flags"]) == (0, ["no_answer"])
    assert result["confidence"] == calibration.void_judgement.confidence


def test_it_is_unsure_of_rules_that_no_example_shows(
    scorer: Scorer, calibration: QuestionCalibration
) -> None:
    assert scorer.score(QUESTION, [""], calibration)[0]["confidence"] == 0.5


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_what_is_cut_short_is_no_calibration(question_fit: FitResult, cut: int) -> None:
    with pytest.raises(Unreadable):
        QuestionCalibration.unpack(question_fit.artefact[:cut])


def test_what_does_not_fit_together_is_no_calibration(calibration: QuestionCalibration) -> None:
    kernel = replace(calibration.model.kernel, dual=calibration.model.kernel.dual[:-1])
    broken = replace(calibration, model=replace(calibration.model, kernel=kernel))
    with pytest.raises(Unreadable):
        QuestionCalibration.unpack(broken.pack())


def test_it_reads_what_it_packed(question_fit: FitResult, calibration: QuestionCalibration) -> None:
    assert QuestionCalibration.unpack(calibration.pack()).pack() == question_fit.artefact


def test_one_that_was_stored_without_share_and_support_judges_as_if_it_knew_of_neither(
    scorer: Scorer, question_fit: FitResult, calibration: QuestionCalibration
) -> None:
    arrays = load(question_fit.artefact)
    for name in ("unmarked.weights", "support.weights", "support.least"):
        del arrays[name]
    for name in arrays:
        if name.startswith("judge.") and name.endswith(".weights"):
            arrays[name] = arrays[name][:-1].copy()
    header = read_headers(question_fit.artefact)["calibration"]
    older = QuestionCalibration.unpack(save(arrays, {"calibration": dump_header(header)}))

    model = calibration.model
    stacks = [
        replace(one.stack, weights=one.stack.weights * ([1] * 4 + [0])) for one in model.judges
    ]
    judges = [replace(one, stack=stack) for one, stack in zip(model.judges, stacks, strict=True)]
    without = replace(calibration, model=replace(model, judges=judges, support=None))
    assert scorer.score(QUESTION, NEW_TEXTS, older) == scorer.score(QUESTION, NEW_TEXTS, without)
