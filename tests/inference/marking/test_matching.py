"""How surely a text says what is asked for, on vectors small enough to follow by hand."""

import numpy as np
import pytest

from inference_server.judging.facts import facts
from inference_server.marking import matching
from inference_server.marking.matching import Match, Reading, Rubric, blocks, matches, rubric_of


def reading(text: str, *vectors: tuple[float, float]) -> Reading:
    """A token a character, each as rare as any other."""
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, np.array(vectors, np.float32), np.ones(len(text), np.float32))


def test_a_text_that_says_the_reference_matches_it_in_full() -> None:
    rubric = rubric_of([[reading("ab", (1, 0), (0, 1))]], None)
    [match] = matches(reading("x,ab", (0.6, 0.8), (0.6, 0.8), (1, 0), (0, 1)), rubric, 1)
    assert match.strength == pytest.approx(1)
    assert (match.start, match.end) == (2, 4)


def test_the_best_of_several_references_counts() -> None:
    rubric = rubric_of([[reading("a", (0.6, 0.8)), reading("b", (1, 0))]], None)
    [match] = matches(reading("x", (1, 0)), rubric, 1)
    assert match.strength == pytest.approx(1)


def test_a_criterion_without_references_matches_nothing() -> None:
    rubric = rubric_of([[], [reading("b", (1, 0))]], None)
    first, second = matches(reading("x", (1, 0)), rubric, 2)
    assert first.strength == 0
    assert second.strength == pytest.approx(1)


def test_a_text_that_is_the_opposite_of_the_reference_is_marked() -> None:
    rubric = rubric_of([[reading("a", (1, 0))]], None)
    [match] = matches(reading("x", (-1, 0)), rubric, 1)
    assert match.strength <= 0


def on_axes(text: str, chance: np.random.Generator) -> Reading:
    """A token a character, of few digits: whatever the order, their products come out the same."""
    vectors = chance.integers(-2, 3, (len(text), 8)) / 4
    rarity = chance.integers(1, 8, len(text))
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, vectors.astype(np.float32), rarity.astype(np.float32))


@pytest.mark.parametrize("limit", [1, 100, 200])
def test_a_rubric_in_blocks_says_the_same_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    chance = np.random.default_rng(1)
    references = [[on_axes("abcde"[:n], chance) for n in sizes] for sizes in ((3, 5, 1), (2, 4, 5))]
    rubric, answer = rubric_of(references, None), on_axes("ab,cde。fg,hi。jklm", chance)
    whole = everything(answer, rubric)
    assert len(list(blocks(rubric, len(answer.vectors)))) == 1
    monkeypatch.setattr(matching, "MAX_COSINES", limit)
    assert len(list(blocks(rubric, len(answer.vectors)))) > 1
    assert everything(answer, rubric) == whole


def everything(answer: Reading, rubric: Rubric) -> tuple[list[list[Match]], list[list[float]]]:
    """Best and average matches of an answer with two criteria, and its facts."""
    rows = facts(answer, rubric, 2)
    assert rows is not None
    both = [matches(answer, rubric, 2, average=average) for average in (False, True)]
    return both, rows.tolist()


def test_a_block_holds_whole_references_and_no_more_than_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = np.random.default_rng(1)
    rubric = rubric_of([[on_axes("abcde"[:n], chance) for n in (3, 5, 1, 2, 4)]], None)
    monkeypatch.setattr(matching, "MAX_COSINES", 40)
    sizes = [np.diff([*part.starts, len(part.vectors)]).tolist() for part in blocks(rubric, 10)]
    assert sizes == [[3], [5], [1, 2], [4]]


def shortest_run(answer: Reading, reference: Reading) -> tuple[int, int]:
    """The fewest clauses in a row that are near enough to the reference, found by trying all."""
    rubric = rubric_of([[reference]], None)
    clauses = [found.span() for found in matching.CLAUSE.finditer(answer.text)]
    cosines = answer.vectors @ rubric.vectors.T
    whole = float(cosines.max(axis=0) @ rubric.weights)
    enough = whole - 0.03 * abs(whole)
    runs = []
    for first in range(len(clauses)):
        for last in range(first, len(clauses)):
            start, end = clauses[first][0], clauses[last][1]
            strength = float(cosines[start:end].max(axis=0) @ rubric.weights)
            if strength >= enough:
                runs.append((last - first, end - start, -strength, start, end))
    return min(runs)[3:]


@pytest.mark.parametrize("seed", range(40))
def test_evidence_of_a_long_text_is_the_shortest_passage_that_shows_the_reference(
    seed: int,
) -> None:
    chance = np.random.default_rng(seed)
    sizes = chance.integers(1, 6, int(chance.integers(3, 24)))
    text = "".join("abcde"[:size] + "。" for size in sizes)
    answer, reference = on_axes(text, chance), on_axes("abcdefgh", chance)
    [match] = matches(answer, rubric_of([[reference]], None), 1)
    start, end = shortest_run(answer, reference)
    # One clause or two are compared by their length alone.
    if text[start:end].count("。") > 2:
        assert (match.start, match.end) == (start, end)
    assert match.end - match.start < len(text) or (start, end) == (0, len(text))


def test_a_text_far_from_the_reference_has_evidence_all_the_same() -> None:
    rubric = rubric_of([[reading("ab", (1, 0), (-1, 0))]], None)
    text = "a。b。c。d。"
    for x in (0.0, 1.0, -1.0):
        vectors = [(x, y) for y in (1, 0, 1, 0, 1, 0, 1, 0)]
        [match] = matches(reading(text, *vectors), rubric, 1)
        assert 0 <= match.start < match.end <= len(text)
