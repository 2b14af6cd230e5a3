"""The coverage curve, and a threshold that keeps its promise on answers to come."""

import math
import random
from collections.abc import Callable

import pytest

from scoring.agreement import coverage
from scoring.agreement.coverage import Pair

Agrees = Callable[[float], float]


def test_the_curve_has_a_cut_for_each_confidence_strictest_first() -> None:
    pairs = [(0.5, False), (0.9, True), (0.7, True), (0.7, False)]
    found = [(one.threshold, one.count, one.coverage) for one in coverage.curve(pairs)]
    assert found == [(0.9, 1, 0.25), (0.7, 3, 0.75), (0.5, 4, 1.0)]
    assert [one.agreement for one in coverage.curve(pairs)] == pytest.approx([1, 2 / 3, 0.5])


def test_no_answers_have_no_curve_and_no_threshold() -> None:
    assert coverage.curve([]) == []
    assert coverage.threshold([], 0.9) is None


@pytest.mark.parametrize(
    ("successes", "count", "bound"),
    [(20, 20, 0.05 ** (1 / 20)), (9, 10, 0.60584), (95, 100, 0.89774), (0, 5, 0.0)],
)
def test_the_bound_is_clopper_and_pearsons(successes: int, count: int, bound: float) -> None:
    assert coverage.lower_bound(successes, count) == pytest.approx(bound, abs=2e-5)


def test_a_binomial_tail_of_many_trials_does_not_vanish() -> None:
    assert coverage.binomial_cdf(500, 10_000, 0.05) == pytest.approx(0.5, abs=0.02)
    assert coverage.binomial_cdf(3, 3, 0.2) == 1.0


def test_too_few_answers_promise_nothing() -> None:
    fewest = coverage.fewest_answers(0.95)
    assert coverage.threshold([(0.9, True)] * (fewest - 1), 0.95) is None
    cut = coverage.threshold([(0.9, True)] * fewest, 0.95)
    assert cut is not None
    assert (cut.threshold, cut.coverage) == (0.9, 1.0)
    assert cut.bound >= 0.95


def test_answers_of_equal_confidence_are_taken_together() -> None:
    pairs = [(0.9, True)] * 150 + [(0.6, False)] * 150
    cut = coverage.threshold(pairs, 0.9)
    assert cut is not None
    assert (cut.threshold, cut.count) == (0.9, 150)


def test_the_order_in_which_the_answers_come_does_not_matter() -> None:
    pairs = drawn(random.Random(5), 400, lambda c: c)
    assert coverage.threshold(pairs, 0.9) == coverage.threshold(pairs[::-1], 0.9)


def drawn(chance: random.Random, count: int, agrees: Agrees) -> list[Pair]:
    """Answers of a confidence from 0.5 to 1 that agree with that probability."""
    confidences = [0.5 + 0.5 * chance.random() ** 0.4 for _ in range(count)]
    return [(one, chance.random() < agrees(one)) for one in confidences]


def test_it_keeps_its_promise_where_there_are_few_confidences() -> None:
    chance, bad = random.Random(3), 0
    for _ in range(300):
        confidences = [chance.choice((0.6, 0.8, 0.9, 0.95)) for _ in range(400)]
        pairs = [(one, chance.random() < one - 0.002) for one in confidences]
        cut = coverage.threshold(pairs, 0.924, alpha=0.1)
        # Half of the answers lie at 0.9 or above, and 0.923 of them agree, just too few.
        bad += cut is not None and cut.threshold <= 0.9
    assert bad / 300 <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 300)


def agreement_above(cut: float, agrees: Agrees) -> float:
    """Of all answers that `drawn` might draw."""
    steps = [0.5 + 0.5 * ((i + 0.5) / 4000) ** 0.4 for i in range(4000)]
    above = [agrees(one) for one in steps if one >= cut]
    return math.fsum(above) / len(above)


def broken(agrees: Agrees, count: int, target: float, draws: int = 300) -> float:
    """The share of draws whose threshold promises more than is true."""
    chance, bad = random.Random(count), 0
    for _ in range(draws):
        cut = coverage.threshold(drawn(chance, count, agrees), target, alpha=0.1)
        bad += cut is not None and agreement_above(cut.threshold, agrees) < target
    return bad / draws


@pytest.mark.parametrize(
    ("agrees", "count", "target"),
    [
        (lambda c: c, 250, 0.9),
        (lambda c: c, 800, 0.9),
        (lambda c: 0.899, 250, 0.9),
        (lambda c: 0.949, 600, 0.95),
        (lambda c: 0.99 if c > 0.9 else 0.5, 250, 0.9),
        (lambda c: round(c, 1) - 0.001, 400, 0.9),
    ],
    ids=["sloping", "sloping, many", "flat just below", "flat, stricter", "a step", "steps"],
)
def test_it_promises_too_much_in_no_more_than_alpha_of_draws(
    agrees: Agrees, count: int, target: float
) -> None:
    # Three standard errors of 300 draws above alpha = 0.1.
    assert broken(agrees, count, target) <= 0.1 + 3 * math.sqrt(0.1 * 0.9 / 300)


def test_the_best_looking_cut_would_break_the_promise() -> None:
    chance, agrees, bad = random.Random(1), (lambda c: 0.899), 0
    for _ in range(200):
        cuts = coverage.curve(drawn(chance, 250, agrees))
        bad += any(one.agreement >= 0.9 and one.count >= 30 for one in cuts)
    assert bad / 200 > 0.5


def test_it_finds_most_of_what_there_is_to_find() -> None:
    chance, agrees, found = random.Random(2), (lambda c: 0.2 + 0.78 * c), []
    for _ in range(40):
        cut = coverage.threshold(drawn(chance, 1800, agrees), 0.9)
        found.append(cut.coverage if cut else 0.0)
    # Eight in ten of all answers lie above 0.76, and of those nine tenths agree.
    assert agreement_above(0.76, agrees) == pytest.approx(0.9, abs=0.01)
    assert sum(found) / len(found) > 0.5
