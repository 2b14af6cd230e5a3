"""How surely a text says what is asked for, on vectors small enough to follow by hand."""

import numpy as np
import pytest

from inference_server.judging.facts import facts
from inference_server.marking import matching
from inference_server.marking.matching import Match, Reading, Rubric, blocks, matches, rubric_of


def reading(text: str, *vectors: tuple[float, ...]) -> Reading:
    """A token a character, each as rare as any other."""
    offsets = [(place, place + 1) for place in range(len(text))]
    return Reading(text, offsets, np.array(vectors, np.float32), np.ones(len(text), np.float32))


def test_a_text_that_says_the_reference_matches_it_in_full() -> None:
    rubric = rubric_of([[reading("ab", (1, 0), (0, 1))]], None)
    [match] = matches(reading("x,ab", (0.6, 0.8), (0.6, 0.8), (1, 0), (0, 1)), rubric, 1)
    assert match.strength == pytest.approx(1)
    assert match.spans == ((2, 4),)


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


def test_each_criterion_is_shown_by_the_clause_that_is_its_own() -> None:
    rubric = rubric_of([[reading("a", (1, 0))], [reading("b", (0.6, 0.8))]], None)
    first, second = matches(reading("x,y", (1, 0), (0, 1), (0.6, 0.8)), rubric, 2)
    assert first.spans == ((0, 1),)
    assert second.spans == ((2, 3),)


def test_a_criterion_of_two_clauses_is_shown_by_both() -> None:
    rubric = rubric_of([[reading("ab", (1, 0), (0, 1))]], None)
    [match] = matches(reading("x,y", (1, 0), (0, 0), (0, 1)), rubric, 1)
    assert match.spans == ((0, 3),)


def test_in_an_essay_each_reference_is_shown_by_its_sentence() -> None:
    rubric = rubric_of([[reading("a", (1, 0)), reading("b", (0, 1))]], None)
    vectors = [(0.0, 1.0), (0.0, 0.0), (0.0, 0.0), (0.6, 0.0), (0.0, 0.0), (1.0, 0.0)]
    [match] = matches(reading("x。\fy。z", *vectors), rubric, 1, average=True)
    assert match.spans == ((0, 1), (5, 6))
    assert match.strength == pytest.approx(1)


def test_a_text_far_from_the_reference_has_evidence_all_the_same() -> None:
    rubric = rubric_of([[reading("ab", (1, 0), (-1, 0))]], None)
    text = "a。b。c。d。"
    for x in (0.0, 1.0, -1.0):
        vectors = [(x, y) for y in (1, 0, 1, 0, 1, 0, 1, 0)]
        [match] = matches(reading(text, *vectors), rubric, 1)
        [(start, end)] = match.spans
        assert 0 <= start < end <= len(text)


def test_in_a_long_answer_that_shows_it_only_as_a_whole_a_passage_does() -> None:
    rubric = rubric_of([[reading("abc", (1, 0, 0), (0, 1, 0), (0, 0, 1))]], None)
    axes = {"a": (1, 0, 0), "b": (0, 1, 0), "c": (0, 0, 1)}
    text = "x,a,b,c,x,x"
    vectors = [axes.get(letter, (0, 0, 0)) for letter in text]
    [match] = matches(reading(text, *vectors), rubric, 1)
    assert [text[start:end] for start, end in match.spans] == ["a,b,c"]
