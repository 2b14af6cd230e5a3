"""Cuts a text into stretches, each with the criteria that have evidence or doubts in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Span:
    """Evidence of the criterion `code`: the code points [start, end) of the text.

    A doubt has its `reason` instead of a code.
    """

    code: str
    start: int
    end: int
    reason: str = ""


@dataclass(frozen=True)
class Layer:
    """A criterion that has evidence in a stretch, or the reason of a doubt there.

    `begins` if that evidence or doubt starts there.
    """

    code: str
    begins: bool
    reason: str = ""


@dataclass(frozen=True)
class Stretch:
    """A piece of the text in which the same criteria have evidence throughout."""

    text: str
    layers: tuple[Layer, ...]


def spans(criteria: Sequence[dict[str, Any]]) -> list[Span]:
    """The evidence in `Mark.criteria`, in its order, and then the doubts."""
    evidence = [
        Span(criterion["code"], span["start"], span["end"])
        for criterion in criteria
        for span in criterion.get("evidence") or []
    ]
    doubts = [
        Span("", span["start"], span["end"], span["reason"])
        for criterion in criteria
        for span in criterion.get("doubts") or []
    ]
    return [*evidence, *doubts]


def within(evidence: Sequence[Span], start: int, end: int) -> list[Span]:
    """The evidence clipped to [start, end), in offsets from `start`; empty spans are left out."""
    clipped = [
        replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
        for span in evidence
    ]
    return [span for span in clipped if span.start < span.end]


def stretches(text: str, evidence: Sequence[Span]) -> list[Stretch]:
    """The whole text, cut wherever evidence begins or ends."""
    inside = within(evidence, 0, len(text))
    cuts = sorted({0, len(text), *(s.start for s in inside), *(s.end for s in inside)})
    return [Stretch(text[start:end], _layers(inside, start)) for start, end in pairwise(cuts)]


def _layers(evidence: Sequence[Span], at: int) -> tuple[Layer, ...]:
    """One layer for each criterion and doubt that covers the code point `at`, in their order."""
    over = [span for span in evidence if span.start <= at < span.end]
    kinds = dict.fromkeys((span.code, span.reason) for span in over)
    begin = {(span.code, span.reason) for span in over if span.start == at}
    return tuple(Layer(code, (code, reason) in begin, reason) for code, reason in kinds)


def lanes(codes: Sequence[str], evidence: Sequence[Span]) -> dict[str, int]:
    """The lane of each criterion's underline; criteria that overlap get different lanes."""
    chosen: dict[str, int] = {}
    for code in codes:
        own = [span for span in evidence if span.code == code]
        taken = {chosen[s.code] for s in evidence if s.code in chosen and _overlap(s, own)}
        chosen[code] = next(lane for lane in range(len(codes)) if lane not in taken)
    return chosen


def _overlap(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)
