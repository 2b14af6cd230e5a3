"""What the stack knows before it has seen marks, and what marks teach it."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting import stack
from inference_server.judging.stack import Stack


def odds_of(texts: int) -> list[Doubles]:
    """Log odds of two learners of two levels that know nothing."""
    return [np.zeros((texts, 2)), np.zeros((texts, 2))]


def chances(fitted: Stack, share: float) -> list[float]:
    reached: list[float] = fitted.chances(odds_of(1), np.array([share]))[0].tolist()
    return reached


def test_few_marks_leave_the_points_to_what_answers_earn_without_them() -> None:
    targets = np.array([[1.0, 0.0], [1.0, 0.0]])
    fitted = stack.fit(odds_of(2), np.array([0.4, 0.6]), targets)
    low, high = chances(fitted, 0.1), chances(fitted, 0.9)
    assert all(after > before + 0.1 for before, after in zip(low, high, strict=True))


def test_many_marks_that_have_nothing_to_do_with_it_outweigh_it() -> None:
    chance = np.random.default_rng(1)
    shares, reached = chance.random(4000), chance.random(4000) < 0.5
    targets = np.stack([reached, reached], axis=1).astype(np.float64)
    fitted = stack.fit(odds_of(4000), shares, targets)
    assert abs(chances(fitted, 0.9)[0] - chances(fitted, 0.1)[0]) < 0.05


def test_marks_that_contradict_it_turn_it_around() -> None:
    shares = np.random.default_rng(1).random(4000)
    targets = np.stack([shares < 0.5, shares < 0.5], axis=1).astype(np.float64)
    fitted = stack.fit(odds_of(4000), shares, targets)
    assert chances(fitted, 0.9)[0] < 0.2 < 0.8 < chances(fitted, 0.1)[0]
