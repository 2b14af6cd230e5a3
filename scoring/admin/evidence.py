"""Evidence as stretches of text: where each begins and ends, and which criteria it speaks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Span:
    """Evidence of the criterion `code`: the code points [start, end) of the text."""

    code: str
    start: int
    end: int


@dataclass(frozen=True)
class Layer:
    """A criterion over a stretch; `begins` where its evidence starts with this stretch."""

    code: str
    begins: bool


@dataclass(frozen=True)
class Stretch:
    """A piece of the text over which the same criteria have evidence."""

    text: str
    layers: tuple[Layer, ...]


def spans(criteria: Sequence[dict[str, Any]]) -> list[Span]:
    """The evidence of a mark's `criteria`."""
    return [
        Span(one["code"], span["start"], span["end"])
        for one in criteria
        for span in one.get("evidence") or []
    ]


def within(found: Sequence[Span], start: int, end: int) -> list[Span]:
    """What of it lies in [start, end), in offsets from `start`; empty spans are left out."""
    cut = [Span(s.code, max(s.start, start) - start, min(s.end, end) - start) for s in found]
    return [span for span in cut if span.start < span.end]


def stretches(text: str, found: Sequence[Span]) -> list[Stretch]:
    """The whole text, cut wherever evidence begins or ends."""
    inside = within(found, 0, len(text))
    cuts = sorted({0, len(text), *(s.start for s in inside), *(s.end for s in inside)})
    return [Stretch(text[start:end], _layers(inside, start)) for start, end in pairwise(cuts)]


def _layers(found: Sequence[Span], at: int) -> tuple[Layer, ...]:
    """One layer for each criterion that covers the code point `at`, in the criteria's order."""
    over = [span for span in found if span.start <= at < span.end]
    codes = dict.fromkeys(span.code for span in over)
    begin = {span.code for span in over if span.start == at}
    return tuple(Layer(code, code in begin) for code in codes)


def lanes(codes: Sequence[str], found: Sequence[Span]) -> dict[str, int]:
    """For each criterion the height of its underline: those that overlap get different ones."""
    chosen: dict[str, int] = {}
    for code in codes:
        own = [span for span in found if span.code == code]
        taken = {chosen[s.code] for s in found if s.code in chosen and _overlap(s, own)}
        chosen[code] = next(lane for lane in range(len(codes)) if lane not in taken)
    return chosen


def _overlap(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)
