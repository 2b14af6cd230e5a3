"""The pure figures: kappa, its interval, shares."""

from random import Random

import pytest

from scoring.agreement.kappa import (
    agreement,
    correlation,
    kappa_interval,
    mean_kappa,
    quadratic_kappa,
    wilson_interval,
)

Pairs = list[tuple[float, float]]


def drawn(count: int, most: int = 6, seed: int = 1) -> Pairs:
    """Points from 0 to `most`, and the same with an error."""
    random = Random(seed)
    truths = [random.randint(0, most) for _ in range(count)]
    return [(x, min(most, max(0, round(x + random.gauss(0, most / 6))))) for x in truths]


def test_the_figures_are_those_of_a_small_table() -> None:
    found = agreement([(2, 2), (3, 2), (0, 2), (1, 1)], step=1)
    assert (found.count, found.exact, found.adjacent) == (4, 0.5, 0.75)
    assert (found.mae, found.bias) == (0.75, -0.25)
    # Seen: 1 + 4; by chance, of 2 3 0 1 with 2 2 2 1: (0+1+4+1)*3 + (1+4+1+0) = 24, over 4 pairs.
    assert found.kappa == pytest.approx(1 - 5 / (24 / 4))


def test_half_points_are_a_step_apart() -> None:
    found = agreement([(1.5, 1.0), (2.0, 2.0), (0.0, 1.0)], step=0.5)
    assert [found.exact, found.adjacent] == pytest.approx([1 / 3, 2 / 3])


def test_the_interval_is_that_of_drawing_the_pairs_anew() -> None:
    pairs = drawn(300)
    random = Random(5)
    kappas = sorted(quadratic_kappa(random.choices(pairs, k=len(pairs))) or 0 for _ in range(600))
    low, high = kappa_interval(pairs) or (0, 0)
    assert low == pytest.approx(kappas[15], abs=0.008)
    assert high == pytest.approx(kappas[585], abs=0.008)
    assert low < (quadratic_kappa(pairs) or 0) < high


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = quadratic_kappa(drawn(40_000, seed=99)) or 0
    found = [kappa_interval(drawn(150, seed=seed), draws=300) or (0, 0) for seed in range(100)]
    assert 88 <= sum(low <= truth <= high for low, high in found) <= 99


def test_the_interval_is_the_same_each_time_and_narrower_for_more_answers() -> None:
    few, many = drawn(60), drawn(1000)
    assert kappa_interval(few) == kappa_interval(list(reversed(few)))
    assert kappa_interval(few) != kappa_interval(few, seed=1)
    (low, high), (least, most) = kappa_interval(few) or (0, 0), kappa_interval(many) or (0, 0)
    assert most - least < high - low


@pytest.mark.parametrize("pairs", [[], [(1, 1)], [(1, 2), (1, 3)], [(2, 1), (3, 1)]])
def test_there_is_no_kappa_where_one_side_does_not_vary(pairs: Pairs) -> None:
    assert quadratic_kappa(pairs) is None
    assert kappa_interval(pairs) is None


def test_two_answers_that_vary_hardly_have_no_interval() -> None:
    assert kappa_interval([(0, 0), (1, 1)]) is None


def test_many_different_points_take_fewer_draws_not_longer() -> None:
    random = Random(3)
    pairs: Pairs = [(random.uniform(0, 100), random.uniform(0, 100)) for _ in range(3000)]
    low, high = kappa_interval(pairs) or (0, 0)
    assert -0.1 < low < high < 0.1


def test_the_mean_of_kappas_goes_through_fishers_z() -> None:
    assert mean_kappa([]) is None
    assert mean_kappa([0.6, 0.6]) == pytest.approx(0.6)
    assert 0.75 < (mean_kappa([0.5, 0.9]) or 0) < 0.8
    assert (mean_kappa([1.0, 0.5]) or 0) < 1


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(hits, count) == pytest.approx((low, high), abs=2e-4)


def test_the_correlation_is_pearsons() -> None:
    assert correlation([(1, 2), (2, 4), (3, 6)]) == pytest.approx(1)
    assert correlation([(1, 3), (2, 1), (3, 2)]) == pytest.approx(-0.5)
    assert correlation([(1, 3), (1, 4)]) is None
    assert correlation([]) is None
