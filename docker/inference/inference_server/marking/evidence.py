"""Which passages of an answer show that it meets a criterion.

A passage shows a reference where it comes as near to it as the whole answer does. It is worth
showing where it shows the references of other criteria less, and where it is short:
docs/scoring.md has the figures behind the two weights.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from inference_server.arrays import Floats, Indices, Mask

Span = tuple[int, int]
IN_NUMBER = r"(?<=\d)[.,:](?=\d)"


def _between(ends: str) -> re.Pattern[str]:
    """What lies between those characters, without space around it; 3.5 is one piece."""
    inner, edge = rf"(?:[^{ends}]|{IN_NUMBER})", rf"(?:[^{ends}\s]|{IN_NUMBER})"
    return re.compile(rf"{edge}(?:{inner}*{edge})?")


CLAUSE = _between("。、．，.,;；:：!?！？")
SENTENCE = _between("。．.!?！？\n\f")
OTHERS, LENGTH = 0.5, 0.05
"""What another criterion's claim to a passage costs it, and the length of the longest passage."""
PASSAGE_SHARE = 0.97
"""A passage of many clauses is the shortest run that reaches this share of the whole's strength."""


def pieces(text: str, pattern: re.Pattern[str]) -> list[Span]:
    """The clauses or sentences of a text, or the whole text where it has none."""
    return [piece.span() for piece in pattern.finditer(text)] or [(0, len(text))]


def with_pairs(clauses: Sequence[Span]) -> list[Span]:
    """Every clause and every two neighbours."""
    return [*clauses, *((left[0], right[1]) for left, right in pairwise(clauses))]


def shown(strengths: Floats, whole: Floats, spans: Sequence[Span], owners: Indices) -> Indices:
    """[references]: the index of the span that shows each reference best.

    `strengths` is [spans, references], `whole` [references] that of the whole answer; `owners`
    names the criterion of each reference, in ascending order.
    """
    nearness = strengths - whole
    sizes = [end - start for start, end in spans]
    values = nearness - (LENGTH * np.array(sizes) / max(*sizes, 1))[:, None]
    is_first = begins_group(owners)
    firsts = is_first.nonzero()[0]
    if len(firsts) > 1:
        claims = np.maximum.reduceat(nearness, firsts, axis=1)
        ranked = np.partition(claims, -2, axis=1)
        second, most = ranked[:, -2:-1], ranked[:, -1:]
        others = np.where(claims == most, second, most)
        values -= OTHERS * others[:, is_first.cumsum() - 1]
    best: Indices = values.argmax(axis=0)
    return best


def begins_group(ascending: Indices) -> Mask:
    """[values]: whether the value is the first of its kind."""
    is_first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=is_first[1:])
    return is_first


def passage(nearest: Floats, weights: Floats, clauses: Sequence[Span]) -> Span:
    """The fewest clauses in a row, as [start, end) of the text, that show a reference.

    `nearest` is [clauses, tokens of the reference], `weights` [tokens]. A longer run is never
    weaker, so the length is found by halving: `runs` has the maxima of all runs of `length` clauses
    that are too weak, and `powers` those of all runs of 1, 2, 4 … clauses.
    """
    whole = float(nearest.max(axis=0) @ weights)
    enough = whole - (1 - PASSAGE_SHARE) * abs(whole)
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
