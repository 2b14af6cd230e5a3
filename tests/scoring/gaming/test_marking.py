"""What is fitted to, what is marked, and what the product makes of the marks."""

from typing import Any, cast

import pytest

from inference_server.scorer import Scorer
from tests.bench.gaming import product
from tests.bench.gaming.makers import MAKERS
from tests.bench.gaming.marking import HONEST, PLAIN, Bench, Bounds, material_of, trials
from tests.bench.gaming.probes import Probe
from tests.scoring.gaming.made import CountingScorer, pairs, question, wire

EVERY = [HONEST, *MAKERS]


def mark(confidence: float | None = 0.9, *flags: str) -> dict[str, Any]:
    return {"points": 2, "criteria": [], "confidence": confidence, "flags": list(flags)}


@pytest.mark.parametrize(
    ("threshold", "given", "is_final"),
    [
        (0.8, mark(0.8), True),
        (0.8, mark(0.7), False),
        (None, mark(0.99), False),
        (0.8, mark(None), False),
        (0.8, mark(0.99, "off_topic"), False),
        (0.8, mark(0.99, "blank"), True),
    ],
)
def test_a_mark_is_final_by_the_rule_of_the_product(
    threshold: float | None, given: dict[str, Any], is_final: bool
) -> None:
    assert product.Desk(wire(), threshold).is_final(given) is is_final


def test_a_flag_asks_unless_it_is_harmless() -> None:
    desk = product.Desk(wire(), None)
    assert desk.asks(mark(0.9, "stuffed"))
    assert not desk.asks(mark(0.9, "blank"))
    assert not desk.asks(mark())


def test_the_threshold_is_the_one_that_the_product_proposes() -> None:
    agreeing, marks = [(0.9, True)] * 80, [mark()] * 80
    assert product.proposed(wire(), agreeing, marks) == 0.9
    assert product.proposed(wire(), agreeing[:40], marks[:40]) is None
    assert product.proposed(wire(), [(0.9, False)] * 80, marks) is None


def test_flagged_answers_bear_no_threshold() -> None:
    agreeing, marks = [(0.9, True)] * 80, [mark()] * 60 + [mark(0.9, "stuffed")] * 20
    assert product.proposed(wire(), agreeing, marks) is None


def test_nothing_is_fitted_to_the_fold_that_is_left_out() -> None:
    found = list(trials(question(answers=100), Bounds(EVERY, folds=5)))
    assert len(found) == 5
    for trial in found:
        assert not {one.text for one in trial.train} & {one.text for one in trial.honest}
        assert len(trial.train) + len(trial.honest) == 100
    held_back = [one.text for trial in found for one in trial.honest]
    assert sorted(held_back) == sorted(one.text for one in question(answers=100).answers)


def test_as_many_marks_are_fitted_to_as_are_asked_for() -> None:
    bounds = Bounds(EVERY, marks=48, folds=1)
    (trial,) = trials(question(answers=100), bounds)
    (again,) = trials(question(answers=100), bounds)
    assert len({one.text for one in trial.train}) == 48
    assert trial == again


def test_a_question_of_too_few_answers_is_not_calibrated() -> None:
    assert list(trials(question(answers=30), Bounds(EVERY))) == []


def test_dishonest_texts_are_made_of_the_answers_that_were_fitted_to() -> None:
    (trial,) = trials(question(answers=100), Bounds(EVERY, folds=1))
    material = material_of(trial, [trial.question, question("Q2")], pairs)
    train = [one.text for one in trial.train]
    assert {*material.good, *material.full, *material.rest} <= set(train)
    assert all("Q2" in text for text in (*material.others, *material.foreign))


def test_the_next_question_of_the_last_is_the_first() -> None:
    ours = [question("Q1"), question("Q2"), question("Q3")]
    for own, after in zip(ours, [*ours[1:], ours[0]], strict=True):
        (trial,) = trials(own, Bounds(EVERY, folds=1))
        assert after.code in material_of(trial, ours, pairs).others[0]


def test_honest_answers_and_every_kind_are_marked_without_marks() -> None:
    scorer = CountingScorer()
    bench = Bench(cast(Scorer, scorer), pairs, Bounds(EVERY, each=2, honest=3))
    probe = Probe("a", "en", "Q1", "right", "hormones")
    other = Probe("b", "ja", "Q1", "right", "ホルモン")
    seen = list(bench.plain([question("Q1"), question("Q2")], [probe, other]))
    own = [one for one in seen if one.question == "Q1"]
    assert {one.kind for one in own} == {HONEST, *MAKERS, "written right"}
    assert sum(one.kind == HONEST for one in own) == 3
    assert {one.regime for one in seen} == {PLAIN}
    assert not any(one.final or one.final_if_sure or one.declined for one in seen)
    assert "ホルモン" not in scorer.scored
    assert "hormones" in scorer.scored


def test_a_spoilt_answer_is_told_beside_the_one_that_it_was() -> None:
    bench = Bench(cast(Scorer, CountingScorer()), pairs, Bounds(["word_list", "keywords"], each=2))
    for one in bench.plain([question("Q1")], []):
        assert one.kept is (True if one.kind == "word_list" else None)
