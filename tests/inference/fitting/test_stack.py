"""What the stack knows before it has seen marks, and what marks teach it."""

import numpy as np

from inference_server.arrays import Doubles
from inference_server.fitting import stack
from inference_server.judging.stack import Stack, features


def columns_of(shares: Doubles) -> Doubles:
    """What is stacked of texts with these shares, by two learners that know nothing."""
    nothing = np.zeros((len(shares), 2))
    return features([nothing, nothing], shares)


def chances(fitted: Stack, share: float) -> list[float]:
    reached: list[float] = fitted.chances(columns_of(np.array([share])))[0].tolist()
    return reached


def test_few_marks_leave_the_points_to_what_answers_earn_without_them() -> None:
    targets = np.array([[1.0, 0.0], [1.0, 0.0]])
    fitted = stack.fit(columns_of(np.array([0.4, 0.6])), targets)
    low, high = chances(fitted, 0.1), chances(fitted, 0.9)
    assert all(after > before + 0.1 for before, after in zip(low, high, strict=True))


def test_many_marks_that_have_nothing_to_do_with_it_outweigh_it() -> None:
    chance = np.random.default_rng(1)
    shares, reached = chance.random(4000), chance.random(4000) < 0.5
    targets = np.stack([reached, reached], axis=1).astype(np.float64)
    fitted = stack.fit(columns_of(shares), targets)
    assert abs(chances(fitted, 0.9)[0] - chances(fitted, 0.1)[0]) < 0.05


def test_marks_that_contradict_it_turn_it_around() -> None:
    shares = np.random.default_rng(1).random(4000)
    targets = np.stack([shares < 0.5, shares < 0.5], axis=1).astype(np.float64)
    fitted = stack.fit(columns_of(shares), targets)
    assert chances(fitted, 0.9)[0] < 0.2 < 0.8 < chances(fitted, 0.1)[0]
