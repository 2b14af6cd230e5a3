"""Marks under the general calibration, and its artefact."""

from collections.abc import Callable

import pytest

from inference_server.fitting.result import FitResult
from inference_server.judging import artefacts
from inference_server.judging.general import GeneralCalibration
from inference_server.judging.packing import Unreadable, sha256_of
from inference_server.scorer import Scorer
from tests.inference import marked_questions, sample_texts

NEW = 8
"""A question that it was not fitted to."""
NEW_TEXTS = [example["text"] for example in marked_questions.examples(NEW)]


def test_it_knows_no_confidence(scorer: Scorer, general_calibration: GeneralCalibration) -> None:
    texts = [*NEW_TEXTS, "", "第8問に答えよ。"]
    marks = scorer.score(marked_questions.question(NEW), texts, general_calibration)
    assert {mark["confidence"] for mark in marks} == {None}


def test_what_a_rule_gives_nothing_has_nothing(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    marks = scorer.score(marked_questions.question(NEW), ["", " 　"], general_calibration)
    assert [(mark["points"], mark["flags"]) for mark in marks] == [(0, ["blank"])] * 2


def test_a_model_answer_has_all_points(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    question = marked_questions.question(NEW) | {"model_answers": ["天気がよかった"]}
    [mark] = scorer.score(question, ["天気がよかった"], general_calibration)
    assert mark["points"] == question["max_points"]


def test_the_points_of_criteria_add_up(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    texts = ["利用部門が要件を確認していなかった", "役割分担が曖昧で要件も未確認", "予算"]
    for mark in scorer.score(sample_texts.QUESTION, texts, general_calibration):
        total = sum(criterion["points"] for criterion in mark["criteria"])
        assert mark["points"] == min(total, 6)


def test_the_evidence_is_that_of_the_uncalibrated_method(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    text = "予算は足りた。利用部門が要件を確認していなかった。"
    calibrated, uncalibrated = (
        scorer.score(sample_texts.QUESTION, [text], calibration)[0]["criteria"][0]
        for calibration in (general_calibration, None)
    )
    assert calibrated["points"]
    assert calibrated["evidence"] == uncalibrated["evidence"]


def test_a_mark_depends_on_nothing_else_in_the_batch(
    scorer: Scorer, general_calibration: GeneralCalibration
) -> None:
    question = marked_questions.question(NEW)
    together = scorer.score(question, NEW_TEXTS, general_calibration)
    alone = [scorer.score(question, [text], general_calibration)[0] for text in NEW_TEXTS]
    assert together == alone
    assert together == scorer.score(question, NEW_TEXTS[::-1], general_calibration)[::-1]


def test_the_artefact_comes_back_as_it_was(
    general_calibration: GeneralCalibration, general_fit: FitResult
) -> None:
    assert artefacts.unpack(general_fit.artefact).pack() == general_fit.artefact
    assert sha256_of(general_calibration.pack()) == general_fit.sha256


@pytest.mark.parametrize(
    "broken",
    [
        lambda content: content[:40],
        lambda content: content[:-8],
        lambda content: content.replace(b"pmscoring-general-1", b"pmscoring-general-9"),
        lambda content: content.replace(b"neighbours", b"neighbourz"),
        lambda content: content.replace(b'"weights"', b'"weightz"'),
    ],
)
def test_what_is_no_artefact_is_refused(
    general_fit: FitResult, broken: Callable[[bytes], bytes]
) -> None:
    content = broken(general_fit.artefact)
    assert content != general_fit.artefact
    with pytest.raises(Unreadable):
        artefacts.unpack(content)
