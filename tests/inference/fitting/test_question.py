"""Calibration: what it learns from marks by people, and that nothing but text and seed decides."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference_server.fitting.examples import Example
from inference_server.fitting.folds import fold_of
from inference_server.fitting.measures import kappa
from inference_server.fitting.question import Made, calibrate
from inference_server.fitting.scale import scale_of, targets_of
from inference_server.fitting.vocabulary import vocabulary_of
from inference_server.judging.ngrams import KINDS
from inference_server.judging.packing import Unreadable
from inference_server.judging.question import Calibration
from inference_server.marking.sharing import shared
from inference_server.scorer import Scorer
from tests.inference import marked, written

QUESTION = written.QUESTION
EXAMPLES = [Example(**one) for one in marked.answers(60)]
NEW = marked.answers(100)[60:]


def silent(_stage: str, _fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def made(scorer: Scorer) -> Made:
    return calibrate(scorer, QUESTION, EXAMPLES, silent)


@pytest.fixture(scope="module")
def calibration(made: Made) -> Calibration:
    return Calibration.unpack(made.artefact)


def marks(
    scorer: Scorer, calibration: Calibration, texts: Sequence[str], **changes: Any
) -> list[dict[str, Any]]:
    return scorer.score(QUESTION | changes, texts, calibration)


def test_it_marks_as_people_do(scorer: Scorer, calibration: Calibration) -> None:
    found = marks(scorer, calibration, [one["text"] for one in NEW])
    right = [mark["points"] == one["points"] for mark, one in zip(found, NEW, strict=True)]
    assert sum(right) >= 36


def test_it_marks_each_criterion_as_people_do(scorer: Scorer, calibration: Calibration) -> None:
    found = marks(scorer, calibration, [one["text"] for one in NEW])
    told = [{one["code"]: one["points"] for one in mark["criteria"]} for mark in found]
    assert sum(a == b["criteria"] for a, b in zip(told, NEW, strict=True)) >= 36


def test_the_criteria_make_up_the_total(scorer: Scorer, calibration: Calibration) -> None:
    for mark in marks(scorer, calibration, [one["text"] for one in NEW]):
        assert mark["points"] == min(sum(one["points"] for one in mark["criteria"]), 6)


def test_it_shows_evidence_for_what_earned_points(scorer: Scorer, calibration: Calibration) -> None:
    for mark in marks(scorer, calibration, [one["text"] for one in NEW]):
        for criterion in mark["criteria"]:
            assert bool(criterion["evidence"]) is bool(criterion["points"])


def test_it_is_confident_within_bounds(scorer: Scorer, calibration: Calibration) -> None:
    found = marks(scorer, calibration, [one["text"] for one in NEW])
    assert all(0 < mark["confidence"] < 1 for mark in found)


def test_the_same_examples_make_the_same_calibration(scorer: Scorer, made: Made) -> None:
    again = calibrate(scorer, QUESTION, EXAMPLES, silent)
    assert again.sha256 == made.sha256
    assert again.metrics["out_of_fold"] == made.metrics["out_of_fold"]


def test_a_mark_is_the_same_in_any_company(scorer: Scorer, calibration: Calibration) -> None:
    texts = [one["text"] for one in NEW] + written.texts(40, 700)
    together = marks(scorer, calibration, texts)
    backwards = marks(scorer, calibration, texts[::-1])[::-1]
    alone = [marks(scorer, calibration, [text])[0] for text in texts]
    assert together == backwards == alone


def test_it_tells_what_it_reached_out_of_fold(made: Made) -> None:
    told = made.metrics
    assert told["examples"] == 60
    assert told["kappa"] > 0.9
    assert len(told["out_of_fold"]) == 60
    points = [points for points, _ in told["out_of_fold"]]
    right = [a == b.points for a, b in zip(points, EXAMPLES, strict=True)]
    assert told["exact"] == pytest.approx(sum(right) / 60)
    assert 0 <= told["calibration_error"] <= 1


def test_out_of_fold_is_predicted_without_the_text_itself(scorer: Scorer) -> None:
    random = np.random.default_rng(3)
    noise = [replace(one, points=int(random.integers(2)) * 6, criteria=None) for one in EXAMPLES]
    told = calibrate(scorer, QUESTION, noise, silent).metrics
    assert abs(told["kappa"]) < 0.4
    assert told["calibration_error"] < 0.25


def test_texts_that_fold_to_the_same_share_a_fold() -> None:
    assert len({fold_of(f"要件{n}") for n in range(50)}) == 5
    assert [fold_of("要件") for _ in range(3)] == [fold_of("要件")] * 3


def test_progress_only_rises_and_reaches_its_end(scorer: Scorer) -> None:
    told: list[tuple[str, float]] = []
    calibrate(scorer, QUESTION, EXAMPLES[:30], lambda *one: told.append(one))
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert 0.9 < fractions[-1] <= 1


def test_it_stops_when_told_to(scorer: Scorer) -> None:
    class Enough(Exception):
        pass

    def stop(stage: str, _fraction: float) -> None:
        if stage == "heads":
            raise Enough

    with pytest.raises(Enough):
        calibrate(scorer, QUESTION, EXAMPLES, stop)


def test_rules_come_before_the_calibration(scorer: Scorer, calibration: Calibration) -> None:
    limits = QUESTION["limits"] | {"max": 20, "over_limit": "zero"}
    best = max(NEW, key=lambda one: float(one["points"]))["text"]
    blank, over = marks(scorer, calibration, ["", best], limits=limits)
    assert (blank["points"], blank["flags"]) == (0, ["blank"])
    assert (over["points"], over["flags"]) == (0, ["too_long"])


def test_it_is_unsure_of_rules_that_no_example_shows(
    scorer: Scorer, calibration: Calibration
) -> None:
    assert marks(scorer, calibration, [""])[0]["confidence"] == 0.5


def test_it_grows_sure_of_rules_that_examples_show(scorer: Scorer) -> None:
    blanks = [Example("", 0, {"C1": 0, "C2": 0})] * 18
    told = calibrate(scorer, QUESTION, [*EXAMPLES[:40], *blanks], silent)
    assert told.metrics["out_of_fold"][-1] == [0, 0.95]
    found = marks(scorer, Calibration.unpack(told.artefact), [" "])
    assert found[0]["confidence"] == 0.95


def test_it_learns_criteria_from_thirty_examples_on(scorer: Scorer) -> None:
    some = [
        replace(one, criteria={"C1": 4.0, "C2": 0.0 if i < 30 else 2.0})
        for i, one in enumerate(EXAMPLES)
    ]
    few = [replace(one, criteria=None) if i >= 29 else one for i, one in enumerate(EXAMPLES)]
    assert Calibration.unpack(calibrate(scorer, QUESTION, few, silent).artefact).criteria == ()
    told = Calibration.unpack(calibrate(scorer, QUESTION, some, silent).artefact)
    assert (told.criteria, told.settled) == (("C2",), {"C1": 4})


def test_it_learns_from_long_and_empty_looking_texts(scorer: Scorer) -> None:
    odd = [Example(text, 0, None) for text in written.texts(30, 3000)]
    odd += [Example("\u200b", 0, None), Example("？", 6, None)]
    told = calibrate(scorer, QUESTION, [*EXAMPLES, *odd], silent).metrics
    assert told["examples"] == 92


@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_what_is_cut_short_is_no_calibration(made: Made, cut: int) -> None:
    with pytest.raises(Unreadable):
        Calibration.unpack(made.artefact[:cut])


def test_what_does_not_fit_together_is_no_calibration(calibration: Calibration) -> None:
    kernel = replace(calibration.model.kernel, pull=calibration.model.kernel.pull[:-1])
    broken = replace(calibration, model=replace(calibration.model, kernel=kernel))
    with pytest.raises(Unreadable):
        Calibration.unpack(broken.pack())


def test_it_reads_what_it_packed(made: Made, calibration: Calibration) -> None:
    assert Calibration.unpack(calibration.pack()).pack() == made.artefact


def test_grams_are_counted_as_by_hand() -> None:
    vocabulary = vocabulary_of(["abab", "ab"], KINDS[0])
    rows = vocabulary.rows(["abab", "ab", "zz", ""]).toarray()
    both = {" a", "ab", "b ", " ab", "ab "}
    assert len(vocabulary.hashes) == len(both)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 0])
    twice = (1 + np.log(2)) / np.sqrt(4 + (1 + np.log(2)) ** 2)
    assert np.isclose(rows[0].max(), twice)
    assert np.allclose(rows[1], 1 / np.sqrt(5))


@pytest.mark.parametrize("full", [0.02, 0.15])
def test_a_fine_scale_says_of_what_it_learned_what_was_learned(full: float) -> None:
    draw = np.random.default_rng(4)
    points = np.where(draw.random(1000) < full, 20, draw.integers(0, 21, 1000)).astype(float)
    scale = scale_of(points)
    assert len(scale.learned) < len(scale.levels) - 1
    chances = np.linspace(0.95, 0.4, len(scale.learned))[None, :]
    np.testing.assert_allclose(scale.reached(chances)[:, scale.learned - 1], chances)


def test_fine_scales_keep_all_their_levels() -> None:
    points = np.arange(60.0)
    scale = scale_of(points)
    assert (len(scale.levels), len(scale.learned)) == (60, 11)
    reached = scale.reached(targets_of(scale, points))
    assert (np.diff(reached, axis=1) <= 1e-9).all()
    assert kappa(scale.expected(reached), points) > 0.98


@pytest.mark.parametrize(
    ("total", "expected", "points"),
    [
        (6, [4, 2], [4, 2]),
        (4, [3.9, 0.4], [4, 0]),
        (5, [3.9, 0.4], [4, 1]),
        (2, [1.2, 1.1], [1, 1]),
        (0, [4, 2], [0, 0]),
        (3, [0, 2], [1, 2]),
    ],
)
def test_the_total_is_shared_as_expected(
    total: float, expected: list[float], points: list[float]
) -> None:
    assert shared(total, expected, [4, 2], 1, 6) == points


def test_more_than_the_most_is_shared_freely() -> None:
    assert shared(5, [4, 2], [4, 2], 1, 5) == [4, 2]
    assert shared(5, [2, 2], [4, 2], 1, 5) == [3, 2]
    assert shared(6, [0.2, 0], [2, 1], 0.5, 6) == [2, 1]
