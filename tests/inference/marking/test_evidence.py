"""Where a text is cut for its evidence, and which run of clauses is shown."""

import numpy as np
import pytest

from inference_server.arrays import Floats
from inference_server.marking.evidence import CLAUSE, SENTENCE, Span, passage, pieces, shown


def cut(text: str, *, sentences: bool = False) -> list[str]:
    return [text[start:end] for start, end in pieces(text, SENTENCE if sentences else CLAUSE)]


def test_clauses_have_neither_their_punctuation_nor_space_around_them() -> None:
    assert cut("要件を固め，漏れを防ぐ。") == ["要件を固め", "漏れを防ぐ"]
    assert cut(" First, agree ; then sign. ") == ["First", "agree", "then sign"]


def test_a_number_is_not_cut() -> None:
    assert cut("予算は3.5億円,期間は1,200日.9:30に集合") == [
        "予算は3.5億円",
        "期間は1,200日",
        "9:30に集合",
    ]
    assert cut("It took 2.5 days. Then 3.", sentences=True) == ["It took 2.5 days", "Then 3"]


def test_sentences_end_with_a_line_and_with_a_section() -> None:
    assert cut("一つ目，続き\n二つ目\f三つ目。", sentences=True) == [
        "一つ目，続き",
        "二つ目",
        "三つ目",
    ]


def test_a_text_of_punctuation_is_one_piece() -> None:
    assert cut("。。、") == ["。。、"]


def clauses_of(sizes: list[int]) -> list[Span]:
    ends = np.cumsum(sizes).tolist()
    return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def shortest_run(nearest: Floats, weights: Floats, clauses: list[Span]) -> Span:
    """The fewest clauses in a row that are near enough to the reference, found by trying all."""
    whole = float(nearest.max(axis=0) @ weights)
    enough = whole - 0.03 * abs(whole)
    runs = []
    for first in range(len(clauses)):
        for last in range(first, len(clauses)):
            start, end = clauses[first][0], clauses[last][1]
            strength = float(nearest[first : last + 1].max(axis=0) @ weights)
            if strength >= enough:
                runs.append((last - first, end - start, -strength, start, end))
    return min(runs)[3:]


@pytest.mark.parametrize("seed", range(40))
def test_a_passage_is_the_shortest_that_shows_the_reference(seed: int) -> None:
    chance = np.random.default_rng(seed)
    clauses = clauses_of(chance.integers(1, 6, int(chance.integers(3, 24))).tolist())
    # Numbers of few digits: in whatever order, their sums come out the same.
    nearest = (chance.integers(-8, 9, (len(clauses), 8)) / 16).astype(np.float32)
    weights = np.full(8, 1 / 8, np.float32)
    assert passage(nearest, weights, clauses) == shortest_run(nearest, weights, clauses)


def shown_by_hand(
    strengths: Floats, whole: Floats, spans: list[Span], owners: list[int]
) -> list[int]:
    """The span of the greatest value for each reference, one after another."""
    longest = max(end - start for start, end in spans)
    found = []
    for reference, owner in enumerate(owners):
        values = []
        for (start, end), near in zip(spans, strengths - whole, strict=True):
            others = [float(near[i]) for i, other in enumerate(owners) if other != owner]
            size = 0.05 * (end - start) / longest
            values.append(float(near[reference]) - size - 0.5 * max(others, default=0.0))
        found.append(values.index(max(values)))
    return found


@pytest.mark.parametrize("owners", [[0], [0, 0], [0, 2], [0, 0, 1, 3, 3]])
def test_a_passage_is_shown_that_is_near_short_and_no_other_criterions(owners: list[int]) -> None:
    chance = np.random.default_rng(len(owners))
    spans = clauses_of(chance.integers(1, 40, 12).tolist())
    strengths = chance.random((12, len(owners))).astype(np.float32)
    whole = strengths.max(axis=0)
    found = shown(strengths, whole, spans, np.array(owners))
    assert found.tolist() == shown_by_hand(strengths, whole, spans, owners)
