"""How surely a text says what is wanted, on vectors small enough to follow by hand."""

import numpy as np
import pytest

from inference_server.judging.facts import facts
from inference_server.marking import matching
from inference_server.marking.matching import Match, Reading, Rubric, blocks, matches, rubric


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


def on_axes(text: str, chance: np.random.Generator) -> Reading:
    """A token a character, of few digits: whatever the order, its products come out the same."""
    vectors = chance.integers(-2, 3, (len(text), 8)) / 4
    rarity = chance.integers(1, 8, len(text))
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, vectors.astype(np.float32), rarity.astype(np.float32))


@pytest.mark.parametrize("most", [1, 100, 200])
def test_a_rubric_in_blocks_says_the_same_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    chance = np.random.default_rng(1)
    references = [[on_axes("abcde"[:n], chance) for n in sizes] for sizes in ((3, 5, 1), (2, 4, 5))]
    wanted, answer = rubric(references, None), on_axes("ab,cde。fg,hi。jklm", chance)
    whole = told(answer, wanted)
    assert len(list(blocks(wanted, len(answer.vectors)))) == 1
    monkeypatch.setattr(matching, "MOST_CELLS", most)
    assert len(list(blocks(wanted, len(answer.vectors)))) > 1
    assert told(answer, wanted) == whole


def told(answer: Reading, wanted: Rubric) -> tuple[list[list[Match]], list[list[float]]]:
    """All that is said of an answer, the facts as well."""
    known = facts(answer, wanted, 2)
    assert known is not None
    found = [matches(answer, wanted, 2, all_count=every) for every in (False, True)]
    return found, known.tolist()


def test_a_block_holds_whole_references_and_no_more_than_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = np.random.default_rng(1)
    wanted = rubric([[on_axes("abcde"[:n], chance) for n in (3, 5, 1, 2, 4)]], None)
    monkeypatch.setattr(matching, "MOST_CELLS", 40)
    sizes = [np.diff([*part.starts, len(part.vectors)]).tolist() for part in blocks(wanted, 10)]
    assert sizes == [[3], [5], [1, 2], [4]]
