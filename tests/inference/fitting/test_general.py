"""The general model: learned from some questions, it marks others, without a confidence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference_server.fitting.examples import Example, TooFew
from inference_server.fitting.general import calibrate, folds_of
from inference_server.fitting.measures import measures
from inference_server.fitting.question import Made
from inference_server.fitting.regression import Items, fit
from inference_server.judging import artefacts
from inference_server.judging.facts import NAMES
from inference_server.judging.general import General
from inference_server.judging.packing import Unreadable, named
from inference_server.scorer import Scorer
from tests.inference import carried, written

NEW = 8
"""A question that no test learns from."""
Marked = list[tuple[dict[str, Any], list[Example]]]


def marked(questions: Sequence[dict[str, Any]]) -> Marked:
    return [
        (one["question"], [Example(e["text"], e["points"], None) for e in one["examples"]])
        for one in questions
    ]


def silent(_stage: str, _fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def made(scorer: Scorer) -> Made:
    return calibrate(scorer, marked(carried.marked()), silent)


@pytest.fixture(scope="module")
def general(made: Made) -> General:
    found = artefacts.unpack(made.artefact)
    assert isinstance(found, General)
    return found


def errors(scorer: Scorer, general: General | None) -> float:
    """The root mean squared error on the new question, as a share of its points."""
    asked, given = carried.question(NEW), carried.examples(NEW)
    found = scorer.score(asked, [one["text"] for one in given], general)
    apart = [mark["points"] - one["points"] for mark, one in zip(found, given, strict=True)]
    return float(np.sqrt(np.mean(np.square(apart)))) / float(asked["max_points"])


def test_it_marks_a_question_that_nobody_marked_nearer_to_people(
    scorer: Scorer, general: General
) -> None:
    assert errors(scorer, general) < 0.2
    assert errors(scorer, general) < errors(scorer, None)


def test_it_knows_no_confidence(scorer: Scorer, general: General) -> None:
    texts = [*(one["text"] for one in carried.examples(NEW)), "", "第8問に答えよ。"]
    assert {mark["confidence"] for mark in scorer.score(carried.question(NEW), texts, general)} == {
        None
    }


def test_what_a_rule_gives_nothing_has_nothing(scorer: Scorer, general: General) -> None:
    found = scorer.score(carried.question(NEW), ["", " 　"], general)
    assert [(mark["points"], mark["flags"]) for mark in found] == [(0, ["blank"])] * 2


def test_a_model_answer_has_all_points(scorer: Scorer, general: General) -> None:
    asked = carried.question(NEW) | {"model_answers": ["天気がよかった"]}
    assert scorer.score(asked, ["天気がよかった"], general)[0]["points"] == asked["max_points"]


def test_the_points_of_criteria_add_up(scorer: Scorer, general: General) -> None:
    texts = ["利用部門が要件を確認していなかった", "役割分担が曖昧で要件も未確認", "予算"]
    for mark in scorer.score(written.QUESTION, texts, general):
        assert mark["points"] == min(sum(one["points"] for one in mark["criteria"]), 6)


def test_the_evidence_is_that_of_the_uncalibrated_method(scorer: Scorer, general: General) -> None:
    text = "予算は足りた。利用部門が要件を確認していなかった。"
    one, other = (
        scorer.score(written.QUESTION, [text], model)[0]["criteria"][0] for model in (general, None)
    )
    assert one["points"]
    assert one["evidence"] == other["evidence"]


def test_a_mark_depends_on_nothing_else_in_the_batch(scorer: Scorer, general: General) -> None:
    asked, texts = carried.question(NEW), [one["text"] for one in carried.examples(NEW)]
    together = scorer.score(asked, texts, general)
    assert together == [scorer.score(asked, [text], general)[0] for text in texts]
    assert together == scorer.score(asked, texts[::-1], general)[::-1]


def test_from_the_same_marks_come_the_same_bytes(scorer: Scorer, made: Made) -> None:
    again = calibrate(scorer, marked(carried.marked()), silent)
    assert (again.sha256, again.artefact) == (made.sha256, made.artefact)


def test_what_it_measures_of_a_question_has_not_seen_its_marks(scorer: Scorer, made: Made) -> None:
    """All points of two questions of one fold turned round change no prediction for these two."""
    questions = carried.marked()
    folds = folds_of([one["question"] for one in questions])
    turned = [
        (
            question,
            [replace(e, points=question["max_points"] - e.points) for e in examples]
            if fold == folds[0]
            else examples,
        )
        for (question, examples), fold in zip(marked(questions), folds, strict=True)
    ]
    before = made.metrics["out_of_fold"]
    after = calibrate(scorer, turned, silent).metrics["out_of_fold"]
    mine = np.repeat(np.array(folds) == folds[0], carried.EACH)
    assert [a for a, here in zip(after, mine, strict=True) if here] == [
        b for b, here in zip(before, mine, strict=True) if here
    ]
    assert after != before


def test_it_tells_what_it_reaches_beside_the_uncalibrated_method(made: Made) -> None:
    told = made.metrics
    assert (told["questions"], told["examples"]) == (7, 7 * carried.EACH)
    assert told["rmse"] < told["uncalibrated"]["rmse"]
    assert told["r"] > 0.8
    assert told["accuracy"] is None


def test_where_people_give_all_or_nothing_it_tells_how_often_it_is_right() -> None:
    given, points, most = (
        np.array(one, float) for one in ([3, 0, 5, 10], [4, 0, 0, 10], [4, 4, 10, 10])
    )
    told = measures(given, points, most)
    assert told["accuracy"] == 0.75
    assert told["exact"] == 0.5


def test_points_by_criterion_are_learned_where_they_are_given(scorer: Scorer) -> None:
    """The second criterion earned nobody anything, whatever the total was."""
    asked = [
        carried.question(index)
        | {
            "max_points": 4,
            "criteria": [
                carried.question(place)["criteria"][0] | {"code": f"C{place}", "points": 2}
                for place in (index, 9)
            ],
        }
        for index in range(5)
    ]
    given = [
        Example(one["text"], share, {f"C{index}": share, "C9": 0})
        for index in range(5)
        for one in carried.examples(index)
        for share in [2 * one["points"] / carried.question(index)["max_points"]]
    ]
    parts = [given[start : start + carried.EACH] for start in range(0, len(given), carried.EACH)]
    rounded = [[one for one in part if one.points == int(one.points)] for part in parts]
    found = artefacts.unpack(
        calibrate(scorer, list(zip(asked, rounded, strict=True)), silent).artefact
    )
    mark = scorer.score(asked[0], [written.JAPANESE[0]], found)[0]
    assert [one["points"] for one in mark["criteria"]] == [2, 0]


def test_equal_questions_are_left_out_together() -> None:
    one, other = carried.question(1), carried.question(2)
    folds = folds_of([one, other, one | {"max_points": 3}, carried.question(3)])
    assert folds[0] == folds[2]
    assert len(set(folds)) == 3


def test_examples_that_rules_mark_teach_nothing(scorer: Scorer) -> None:
    prompt = "遅れの原因を三つ挙げ、それぞれの対策も述べよ。"
    said = [Example("", 0, None), Example(prompt, 4, None)]
    void = [(carried.question(index) | {"prompt": prompt}, said) for index in range(5)]
    with pytest.raises(TooFew):
        calibrate(scorer, void, silent)


def test_the_regression_finds_what_made_the_shares() -> None:
    random = np.random.default_rng(1)
    facts = random.normal(size=(4000, len(NAMES)))
    odds = facts[:, 0] * 2 - facts[:, 1] - 0.5
    shares = 1 / (1 + np.exp(-odds))
    found = fit(Items(facts, shares, np.ones(len(facts))))
    assert np.abs(found.shares(facts) - shares).mean() < 0.06


def test_nothing_lies_further_out_than_it_was_seen_to() -> None:
    random = np.random.default_rng(1)
    facts = random.normal(size=(200, len(NAMES)))
    found = fit(Items(facts, (facts[:, 0] > 0).astype(np.float64), np.ones(200)))
    far = np.full((2, len(NAMES)), 1e3)
    far[1] *= 1e6
    assert found.shares(far)[0] == found.shares(far)[1]


def test_the_artefact_comes_back_as_it_was(general: General, made: Made) -> None:
    assert general.pack() == made.artefact
    assert named(general.pack()) == made.sha256


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
def test_what_is_no_artefact_is_refused(made: Made, broken: Any) -> None:
    content = broken(made.artefact)
    assert content != made.artefact
    with pytest.raises(Unreadable):
        artefacts.unpack(content)
