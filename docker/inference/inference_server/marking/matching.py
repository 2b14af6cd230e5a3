"""How surely an answer says what a criterion wants, from token vectors of one encoder pass.

Each token of a reference looks for its nearest token in the answer (the recall of BERTScore, Zhang
et al. 2020). Tokens count by how rare they are in the language and by how little the question's
prompt says them already (question demoting, Sultan et al. 2016). docs/scoring.md has the figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import regex

from inference_server.arrays import Floats, Indices

CLAUSE = regex.compile(r"[^。、．，.,;；:：!?！？]+[。、．，.,;；:：!?！？]*")
DEMOTING, LEAST_WEIGHT = 1.5, 0.02
NEARLY = 0.97
"""Evidence is the shortest span that reaches this share of the whole answer's strength."""
MOST_CELLS = 16_000_000
"""Cosines held at once: a long answer meets a long rubric block by block, not in gigabytes."""


@dataclass(frozen=True)
class Reading:
    """A folded text and its tokens: offsets in it, unit vectors, and how rare each token is.

    `vectors` is [tokens, width]; `rarity` the negative log probability of each token alone.
    """

    text: str
    offsets: Sequence[tuple[int, int]]
    vectors: Floats
    rarity: Floats


@dataclass(frozen=True)
class Rubric:
    """All references of a question in one matrix: `starts` begin each, `owners` name criteria."""

    vectors: Floats
    weights: Floats
    starts: Indices
    owners: Indices


@dataclass(frozen=True)
class Match:
    """Strength in [-1, 1] and the span of the folded text that shows it."""

    strength: float
    start: int
    end: int


NO_MATCH = Match(0.0, 0, 0)


def rubric(references: Sequence[Sequence[Reading]], prompt: Reading | None) -> Rubric:
    """The references of each criterion, weighed against the prompt."""
    flat = [one for several in references for one in several if len(one.vectors)]
    owners = [i for i, several in enumerate(references) for one in several if len(one.vectors)]
    starts = [0, *accumulate(len(one.vectors) for one in flat)][: len(flat)]
    if not flat:
        nothing = np.zeros(0, np.int64)
        return Rubric(np.zeros((0, 1), np.float32), np.zeros(0, np.float32), nothing, nothing)
    weights = np.concatenate([_weights(one, prompt) for one in flat])
    vectors = np.concatenate([one.vectors for one in flat])
    return Rubric(vectors, weights, np.array(starts), np.array(owners))


def _weights(reference: Reading, prompt: Reading | None) -> Floats:
    """Per token, summing to one."""
    weights = np.maximum(reference.rarity, 0.1)
    if prompt is not None and len(prompt.vectors):
        said = (reference.vectors @ prompt.vectors.T).max(axis=1)
        weights = weights * np.maximum(1 - said, LEAST_WEIGHT) ** DEMOTING
    share: Floats = (weights / weights.sum()).astype(np.float32)
    return share


def matches(
    reading: Reading, wanted: Rubric, criteria: int, *, all_count: bool = False
) -> list[Match]:
    """For each criterion its best reference's match, or with `all_count` the mean of all."""
    if not len(reading.vectors) or not len(wanted.starts):
        return [NO_MATCH] * criteria
    bounds = [(m.start(), m.end()) for m in CLAUSE.finditer(reading.text) if m.group().strip()]
    bounds = bounds or [(0, len(reading.text))]
    order, firsts, present = _clauses(reading, bounds)
    strengths = np.concatenate(
        [_strengths(reading, part, order, firsts) for part in blocks(wanted, len(reading.vectors))],
        axis=1,
    )
    spans = _bounds([bounds[i] for i in present])
    return [
        _match(strengths[:, wanted.owners == criterion], spans, all_count)
        for criterion in range(criteria)
    ]


def blocks(wanted: Rubric, tokens: int) -> Iterator[Rubric]:
    """The rubric in whole references, each block with at most MOST_CELLS cells against an answer of
    so many tokens, or with a single reference.
    """
    ends = [*wanted.starts[1:].tolist(), len(wanted.vectors)]
    first = 0
    for last in range(1, len(ends)):
        if (ends[last] - int(wanted.starts[first])) * tokens > MOST_CELLS:
            yield _block(wanted, first, last, ends[last - 1])
            first = last
    yield _block(wanted, first, len(ends), ends[-1])


def _block(wanted: Rubric, first: int, last: int, end: int) -> Rubric:
    """The references from `first` to before `last`, whose tokens stop before `end`."""
    begin = int(wanted.starts[first])
    return Rubric(
        wanted.vectors[begin:end],
        wanted.weights[begin:end],
        wanted.starts[first:last] - begin,
        wanted.owners[first:last],
    )


def _clauses(
    reading: Reading, bounds: Sequence[tuple[int, int]]
) -> tuple[Indices, Indices, list[int]]:
    """The tokens ordered by clause, where each clause begins among them, and which these are."""
    begins = np.array([start for start, _ in bounds])
    places = np.searchsorted(begins, [a for a, _ in reading.offsets], "right") - 1
    order = np.argsort(places, kind="stable")
    present, firsts = np.unique(places[order], return_index=True)
    return order, firsts, [max(int(place), 0) for place in present]


def _strengths(reading: Reading, wanted: Rubric, order: Indices, firsts: Indices) -> Floats:
    """[spans, references]: how near the tokens of each come within the span."""
    similar = reading.vectors @ wanted.vectors.T
    nearest: Floats = np.maximum.reduceat(similar[order], firsts, axis=0)
    strengths: Floats = np.add.reduceat(_spans(nearest) * wanted.weights, wanted.starts, axis=1)
    return strengths


def _spans(nearest: Floats) -> Floats:
    """`nearest` of every clause, every two neighbours and, last, the whole."""
    pairs = np.maximum(nearest[:-1], nearest[1:])
    return np.concatenate([nearest, pairs, nearest.max(axis=0, keepdims=True)])


def _bounds(clauses: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where those spans begin and end."""
    pairs = [(one[0], other[1]) for one, other in pairwise(clauses)]
    return [*clauses, *pairs, (clauses[0][0], clauses[-1][1])]


def _match(strengths: Floats, spans: Sequence[tuple[int, int]], all_count: bool) -> Match:
    """From the strengths [spans, references] of one criterion."""
    if not strengths.shape[1]:
        return NO_MATCH
    best = int(strengths[-1].argmax())
    most = float(strengths[-1, best])
    enough = most - (1 - NEARLY) * abs(most)
    _, _, start, end = min(
        (end - start, -strength, start, end)
        for (start, end), strength in zip(spans, strengths[:, best].tolist(), strict=True)
        if strength >= enough
    )
    return Match(float(strengths[-1].mean()) if all_count else most, start, end)
