"""How surely a text says what is wanted, on vectors small enough to follow by hand."""

import numpy as np
import pytest

from inference_server.matching import Reading, matches, rubric


def reading(text: str, *vectors: tuple[float, float]) -> Reading:
    """A token a character, each as rare as any other."""
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, np.array(vectors, np.float32), np.ones(len(text), np.float32))


def test_a_text_that_says_the_reference_matches_it_in_full() -> None:
    wanted = rubric([[reading("ab", (1, 0), (0, 1))]], None)
    [found] = matches(reading("x,ab", (0.6, 0.8), (0.6, 0.8), (1, 0), (0, 1)), wanted, 1)
    assert found.strength == pytest.approx(1)
    assert (found.start, found.end) == (2, 4)


def test_the_best_of_several_references_counts() -> None:
    wanted = rubric([[reading("a", (0.6, 0.8)), reading("b", (1, 0))]], None)
    [found] = matches(reading("x", (1, 0)), wanted, 1)
    assert found.strength == pytest.approx(1)


def test_a_criterion_without_references_matches_nothing() -> None:
    wanted = rubric([[], [reading("b", (1, 0))]], None)
    first, second = matches(reading("x", (1, 0)), wanted, 2)
    assert first.strength == 0
    assert second.strength == pytest.approx(1)


def test_a_text_that_is_the_opposite_of_the_reference_is_marked() -> None:
    wanted = rubric([[reading("a", (1, 0))]], None)
    [found] = matches(reading("x", (-1, 0)), wanted, 1)
    assert found.strength <= 0
