"""How surely an answer says what a criterion asks for, from token vectors of one encoder pass.

Each token of a reference looks for its nearest token in the answer (the recall of BERTScore, Zhang
et al. 2020). Tokens count by how rare they are in the language and by how little the question's
prompt says them already (question demoting, Sultan et al. 2016). docs/scoring.md has the figures.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Self

import numpy as np

from inference_server.arrays import Floats, Indices
from inference_server.marking import evidence
from inference_server.marking.evidence import Span

DEMOTING, LEAST_WEIGHT = 1.5, 0.02
LEAST_RARITY = 0.1
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
    """Strength in [-1, 1], and the spans [start, end) of the folded text that show it, in order.

    `by_reference` has the strength of each of the criterion's references in the rubric.
    """

    strength: float
    spans: tuple[Span, ...] = ()
    by_reference: tuple[float, ...] = ()


NO_MATCH = Match(0.0)


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


@dataclass(frozen=True)
class Parts:
    """An answer in the pieces of its text that have tokens.

    `spans` are the pieces' code points [start, end); `order` has the tokens by piece, None where
    they stand so, and `firsts` is where each piece begins among them.
    """

    reading: Reading
    spans: Sequence[Span]
    order: Indices | None
    firsts: Indices

    @classmethod
    def of(cls, reading: Reading, pattern: re.Pattern[str]) -> Self:
        """Cut by the pattern; what lies between two pieces is of the first."""
        pieces = evidence.pieces(reading.text, pattern)
        starts = np.array([start for start, _ in pieces])
        places = np.searchsorted(starts, [start for start, _ in reading.offsets], "right") - 1
        np.maximum(places, 0, out=places)
        order = None
        if (places[1:] < places[:-1]).any():  # Windows overlap.
            order = places.argsort(kind="stable")
            places = places[order]
        firsts = evidence.begins_group(places).nonzero()[0]
        return cls(reading, [pieces[place] for place in places[firsts]], order, firsts)

    def nearest(self, rubric: Rubric) -> Floats:
        """[pieces, tokens of the rubric]: the cosine of the nearest token in the piece."""
        cosines = self.reading.vectors @ rubric.vectors.T
        if self.order is not None:
            cosines = cosines[self.order]
        nearest: Floats = np.maximum.reduceat(cosines, self.firsts, axis=0)
        return nearest

    def strengths(self, rubric: Rubric, *, pairs: bool) -> Floats:
        """[spans, references]: how near the tokens of each reference come within the span.

        Spans are the pieces, with `pairs` every two neighbours too, and the whole.
        """
        parts = blocks(rubric, len(self.reading.vectors))
        return np.concatenate([self._strengths(part, pairs) for part in parts], axis=1)

    def _strengths(self, rubric: Rubric, pairs: bool) -> Floats:
        nearest = self.nearest(rubric)
        between = [np.maximum(nearest[:-1], nearest[1:])] if pairs else []
        in_spans = np.concatenate([nearest, *between, nearest.max(axis=0, keepdims=True)])
        strengths: Floats = np.add.reduceat(in_spans * rubric.weights, rubric.starts, axis=1)
        return strengths


def matches(
    reading: Reading, rubric: Rubric, criteria: int, *, average: bool = False
) -> list[Match]:
    """For each of the `criteria`, by index, the match of its best reference.

    With `average` the strength is the mean of all its references', and a sentence shows each.
    """
    if not len(reading.vectors) or not len(rubric.starts):
        return [NO_MATCH] * criteria
    parts = Parts.of(reading, evidence.SENTENCE if average else evidence.CLAUSE)
    strengths = parts.strengths(rubric, pairs=not average)
    whole = strengths[-1]
    cuts = rubric.owners.searchsorted(np.arange(criteria + 1)).tolist()
    owned = [range(first, last) for first, last in pairwise(cuts)]
    if average:
        spans = _sentences(parts, strengths, rubric)
    else:
        best = [own[int(whole[own.start : own.stop].argmax())] for own in owned if own]
        spans = _passages(parts, strengths, rubric, best)

    def match_of(own: range) -> Match:
        if not own:
            return NO_MATCH
        by_reference = whole[own.start : own.stop]
        strength = float(by_reference.mean() if average else by_reference.max())
        places = {spans[reference] for reference in own if reference in spans}
        return Match(strength, tuple(sorted(places)), tuple(by_reference.tolist()))

    return [match_of(own) for own in owned]


def _sentences(parts: Parts, strengths: Floats, rubric: Rubric) -> dict[int, Span]:
    """The sentence that shows each reference, by the reference's index."""
    chosen = evidence.shown(strengths[:-1], strengths[-1], parts.spans, rubric.owners)
    return {reference: parts.spans[index] for reference, index in enumerate(chosen.tolist())}


def _passages(
    parts: Parts, strengths: Floats, rubric: Rubric, references: Sequence[int]
) -> dict[int, Span]:
    """What shows each of these references: a clause, two, or of a longer answer a passage."""
    whole = parts.spans[0][0], parts.spans[-1][1]
    spans = [*evidence.with_pairs(parts.spans), whole]
    own = strengths[:, references]
    chosen = evidence.shown(own, own[-1], spans, rubric.owners[references])
    places = {}
    for reference, index in zip(references, chosen.tolist(), strict=True):
        places[reference] = spans[index]
        if len(parts.spans) > 2 and index == len(spans) - 1:
            alone = _reference(rubric, reference)
            places[reference] = evidence.passage(parts.nearest(alone), alone.weights, parts.spans)
    return places


def blocks(rubric: Rubric, tokens: int) -> Iterator[Rubric]:
    """The rubric in blocks of whole references, each with at most MAX_COSINES against an answer of
    so many tokens, or with a single reference.
    """
    if len(rubric.vectors) * tokens <= MAX_COSINES:
        yield rubric
        return
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


def _reference(rubric: Rubric, index: int) -> Rubric:
    """One reference of the rubric, by its index."""
    ends = [*rubric.starts[1:].tolist(), len(rubric.vectors)]
    return _block(rubric, index, index + 1, ends[index])
