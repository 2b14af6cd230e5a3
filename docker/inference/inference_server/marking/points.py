"""Points of each criterion from its strength and keywords alone, without a calibration."""

from collections.abc import Sequence, Set
from math import floor
from typing import Any, Protocol

from inference_server.marking.matching import Match

LEAST, FULL = 0.62, 0.74
"""Strengths at which a criterion begins to earn points, and has earned them all."""
KEYWORDS = 0.05
"""What all the keywords of a criterion add to its strength."""


class SheetLike(Protocol):
    """What points are given by: the question, folded keywords in lower case, model answers."""

    @property
    def question(self) -> dict[str, Any]: ...
    @property
    def keywords(self) -> Sequence[Sequence[str]]: ...
    @property
    def model_answers(self) -> Set[str]: ...


def by_strength(text: str, sheet: SheetLike, matches: Sequence[Match]) -> list[float]:
    """The points of each criterion that a folded text earns by its strengths."""
    criteria, step = sheet.question["criteria"], sheet.question["step"]
    if text in sheet.model_answers:
        return [on_step(criterion["points"], step) for criterion in criteria]
    lowered = text.lower()
    points = []
    for criterion, keywords, match in zip(criteria, sheet.keywords, matches, strict=True):
        share = _share(criterion, keywords, match.strength, lowered)
        nearest = floor(criterion["points"] * share / step + 0.5) * step
        points.append(on_step(min(nearest, criterion["points"]), step))
    return points


def on_step(points: float, step: float) -> float:
    """The most points on the step that are no more than `points`."""
    return points // step * step


def _share(
    criterion: dict[str, Any], keywords: Sequence[str], strength: float, lowered: str
) -> float:
    """What share of the criterion's points a text has earned."""
    hits = sum(word in lowered for word in keywords) / len(keywords) if keywords else 0.0
    share = (strength + KEYWORDS * hits - LEAST) / (FULL - LEAST)
    if not criterion["references"]:
        share = max(share, hits)
    return min(max(share, 0.0), 1.0)
