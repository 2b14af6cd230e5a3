"""How surely an answer says what a criterion asks for, from token vectors of one encoder pass.

Each token of a reference looks for its nearest token in the answer (the recall of BERTScore, Zhang
et al. 2020). Tokens count by how rare they are in the language and by how little the question's
prompt says them already (question demoting, Sultan et al. 2016). docs/scoring.md has the figures.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from inference_server.arrays import Floats, Indices

CLAUSE = re.compile(r"[^。、．，.,;；:：!?！？]+[。、．，.,;；:：!?！？]*")
DEMOTING, LEAST_WEIGHT = 1.5, 0.02
LEAST_RARITY = 0.1
EVIDENCE_SHARE = 0.97
"""Evidence is the shortest span that reaches this share of the whole answer's strength."""
MAX_COSINES = 16_000_000
"""Cosines held at once: a long answer meets a long rubric block by block, not in gigabytes."""


@dataclass(frozen=True)
class Reading:
    """A folded text as the encoder read it: its tokens without prefix and special tokens.

    `offsets` are the tokens' code points [start, end) in the text; `vectors` is [tokens, width], of
    unit length; `rarity` the negative log probability of each token alone. `middle` [layers, width]
    has the mean token vectors of layers further down, where the encoder gives them.
    """

    text: str
    offsets: Sequence[tuple[int, int]]
    vectors: Floats
    rarity: Floats
    middle: Floats | None = None


@dataclass(frozen=True)
class Rubric:
    """All references of a question in one matrix of token vectors.

    `vectors` is [tokens, width] and `weights` [tokens]; `starts` is where each reference begins
    among the tokens, `owners` the index of its criterion.
    """

    vectors: Floats
    weights: Floats
    starts: Indices
    owners: Indices


@dataclass(frozen=True)
class Match:
    """Strength in [-1, 1], and the span [start, end) of the folded text that shows it."""

    strength: float
    start: int
    end: int


NO_MATCH = Match(0.0, 0, 0)


def rubric_of(references: Sequence[Sequence[Reading]], prompt: Reading | None) -> Rubric:
    """The rubric of each criterion's references, weighed against the prompt."""
    readings = [reading for owned in references for reading in owned if len(reading.vectors)]
    owners = [i for i, owned in enumerate(references) for reading in owned if len(reading.vectors)]
    starts = [0, *accumulate(len(reading.vectors) for reading in readings)][: len(readings)]
    if not readings:
        none = np.zeros(0, np.int64)
        return Rubric(np.zeros((0, 1), np.float32), np.zeros(0, np.float32), none, none)
    weights = np.concatenate([_weights(reading, prompt) for reading in readings])
    vectors = np.concatenate([reading.vectors for reading in readings])
    return Rubric(vectors, weights, np.array(starts), np.array(owners))


def _weights(reference: Reading, prompt: Reading | None) -> Floats:
    """[tokens], summing to one."""
    weights = np.maximum(reference.rarity, LEAST_RARITY)
    if prompt is not None and len(prompt.vectors):
        in_prompt = (reference.vectors @ prompt.vectors.T).max(axis=1)
        weights = weights * np.maximum(1 - in_prompt, LEAST_WEIGHT) ** DEMOTING
    shares: Floats = (weights / weights.sum()).astype(np.float32)
    return shares


def matches(
    reading: Reading, rubric: Rubric, criteria: int, *, average: bool = False
) -> list[Match]:
    """For each of the `criteria`, by index, the match of its best reference.

    With `average` the strength is the mean of all its references'.
    """
    if not len(reading.vectors) or not len(rubric.starts):
        return [NO_MATCH] * criteria
    clauses = [(m.start(), m.end()) for m in CLAUSE.finditer(reading.text) if m.group().strip()]
    clauses = clauses or [(0, len(reading.text))]
    order, firsts, present = _by_clause(reading, clauses)
    strengths = np.concatenate(
        [
            _strengths(reading, block, order, firsts)
            for block in blocks(rubric, len(reading.vectors))
        ],
        axis=1,
    )
    own_clauses = [clauses[i] for i in present]
    spans = _spans(own_clauses)

    def match_of(criterion: int) -> Match:
        owned = np.flatnonzero(rubric.owners == criterion)
        match, best = _match(strengths[:, owned], spans, average)
        if len(own_clauses) <= 2 or (match.start, match.end) != spans[-1]:
            return match
        reference = _reference(rubric, int(owned[best]))
        nearest = _nearest(reading, reference, order, firsts)
        start, end = _passage(nearest, reference.weights, own_clauses)
        return replace(match, start=start, end=end)

    return [match_of(criterion) for criterion in range(criteria)]


def blocks(rubric: Rubric, tokens: int) -> Iterator[Rubric]:
    """The rubric in blocks of whole references, each with at most MAX_COSINES against an answer of
    so many tokens, or with a single reference.
    """
    ends = [*rubric.starts[1:].tolist(), len(rubric.vectors)]
    first = 0
    for last in range(1, len(ends)):
        if (ends[last] - int(rubric.starts[first])) * tokens > MAX_COSINES:
            yield _block(rubric, first, last, ends[last - 1])
            first = last
    yield _block(rubric, first, len(ends), ends[-1])


def _block(rubric: Rubric, first: int, last: int, end: int) -> Rubric:
    """The references [first, last), whose tokens stop before `end`."""
    begin = int(rubric.starts[first])
    return Rubric(
        rubric.vectors[begin:end],
        rubric.weights[begin:end],
        rubric.starts[first:last] - begin,
        rubric.owners[first:last],
    )


def _by_clause(
    reading: Reading, clauses: Sequence[tuple[int, int]]
) -> tuple[Indices, Indices, list[int]]:
    """The tokens ordered by clause, where each clause begins among them, and which these are."""
    starts = np.array([start for start, _ in clauses])
    places = np.searchsorted(starts, [start for start, _ in reading.offsets], "right") - 1
    order = np.argsort(places, kind="stable")
    present, firsts = np.unique(places[order], return_index=True)
    return order, firsts, [max(int(place), 0) for place in present]


def _reference(rubric: Rubric, index: int) -> Rubric:
    """One reference of the rubric, by its index."""
    ends = [*rubric.starts[1:].tolist(), len(rubric.vectors)]
    return _block(rubric, index, index + 1, ends[index])


def _nearest(reading: Reading, rubric: Rubric, order: Indices, firsts: Indices) -> Floats:
    """[clauses, tokens of the rubric]: the cosine of the nearest token in the clause."""
    cosines = reading.vectors @ rubric.vectors.T
    nearest: Floats = np.maximum.reduceat(cosines[order], firsts, axis=0)
    return nearest


def _strengths(reading: Reading, rubric: Rubric, order: Indices, firsts: Indices) -> Floats:
    """[spans, references]: how near the tokens of each reference come within the span."""
    nearest = _nearest(reading, rubric, order, firsts)
    weighted = _nearest_in_spans(nearest) * rubric.weights
    strengths: Floats = np.add.reduceat(weighted, rubric.starts, axis=1)
    return strengths


def _nearest_in_spans(nearest: Floats) -> Floats:
    """[spans, tokens of the rubric] from [clauses, tokens]: spans are in the order of `_spans`."""
    pairs = np.maximum(nearest[:-1], nearest[1:])
    return np.concatenate([nearest, pairs, nearest.max(axis=0, keepdims=True)])


def _spans(clauses: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Every clause, every two neighbours and, last, the whole."""
    pairs = [(left[0], right[1]) for left, right in pairwise(clauses)]
    return [*clauses, *pairs, (clauses[0][0], clauses[-1][1])]


def _passage(
    nearest: Floats, weights: Floats, clauses: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """The fewest clauses in a row, as [start, end) of the text, that show a reference.

    `nearest` is [clauses, tokens of the reference], `weights` [tokens]. A longer run is never
    weaker, so the length is found by halving: `runs` has the maxima of all runs of `length` clauses
    that are too weak, and `powers` those of all runs of 1, 2, 4 … clauses.
    """
    enough = _enough(float(nearest.max(axis=0) @ weights))
    powers = [nearest]
    while len(powers[-1]) > (half := 1 << (len(powers) - 1)):
        powers.append(np.maximum(powers[-1][:-half], powers[-1][half:]))
    length, runs = 0, np.full_like(nearest, -1.0)
    for exponent in reversed(range(len(powers))):
        longer = _longer(runs, powers[exponent], length)
        # The whole is enough, whatever a sum in another order comes to.
        if len(longer) > 1 and float((longer @ weights).max()) < enough:
            length, runs = length + (1 << exponent), longer
    strengths = _longer(runs, nearest, length) @ weights
    enough = min(enough, float(strengths.max()))
    _size, _weakness, start, end = min(
        (clauses[first + length][1] - clauses[first][0], -strength, first, first + length)
        for first, strength in enumerate(strengths.tolist())
        if strength >= enough
    )
    return clauses[start][0], clauses[end][1]


def _longer(runs: Floats, more: Floats, length: int) -> Floats:
    """The maxima of runs of `length` clauses, each made longer by the run that comes after it."""
    after = more[length:]
    longer: Floats = np.maximum(runs[: len(after)], after)
    return longer


def _enough(strength: float) -> float:
    """The strength of a span that shows as much as the whole answer with this strength."""
    return strength - (1 - EVIDENCE_SHARE) * abs(strength)


def _match(strengths: Floats, spans: Sequence[tuple[int, int]], average: bool) -> tuple[Match, int]:
    """The match of a criterion, from the strengths [spans, references] of its references.

    With it comes the index of the reference that it is shown for.
    """
    if not strengths.shape[1]:
        return NO_MATCH, 0
    best = int(strengths[-1].argmax())
    greatest = float(strengths[-1, best])
    enough = _enough(greatest)
    _, _, start, end = min(
        (end - start, -strength, start, end)
        for (start, end), strength in zip(spans, strengths[:, best].tolist(), strict=True)
        if strength >= enough
    )
    return Match(float(strengths[-1].mean()) if average else greatest, start, end), best
