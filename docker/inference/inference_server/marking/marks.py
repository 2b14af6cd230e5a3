"""Marks: points by criterion from references, keywords and model answers, or from a calibration.

How surely a criterion is met comes from matching.py; here the strength becomes points. Everything
is a function of question and text alone. docs/scoring.md has the figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from inference_server.marking.judgement import Judgement
from inference_server.marking.matching import Match
from inference_server.marking.points import by_strength
from inference_server.marking.polarity.comparing import Doubt
from inference_server.marking.rules import apply_rules
from inference_server.marking.sharing import share_out
from inference_server.marking.sheet import Sheet
from pmscoring.base import texts

DOUBTED = 0.4
"""No answer that may be reversed, or is unlike all that was marked, has more confidence."""


def mark(
    answer: str,
    folded: texts.Folded,
    sheet: Sheet,
    matches: Sequence[Match],
    judgement: Judgement | None = None,
    void_judgement: Judgement | None = None,
    doubts: Mapping[int, Doubt] | None = None,
    disorder: Sequence[str] = (),
) -> dict[str, Any]:
    """The mark of an answer: points, criteria with evidence in the answer's code points, flags.

    `folded` is the part of the answer that is marked; `matches` has one match a criterion. Under a
    calibration `judgement` is what it says of this answer (None where it says nothing), and
    `void_judgement` what it says of an answer that a rule leaves without points. `doubts` says, by
    the criterion's index, where the answer may say the reverse of what earns its points. `disorder`
    are the flags that the order of its words would earn were it long enough.
    """
    best_strength = max(match.strength for match in matches)
    rules = apply_rules(answer, folded.text, sheet, best_strength, disorder)
    if rules.is_void:
        verdict, points = void_judgement, [0.0 for _ in matches]
    else:
        verdict, points = judgement, by_strength(folded.text, sheet, matches)
        if verdict:
            points = _shared(verdict, points, sheet)
    doubts = {index: doubt for index, doubt in (doubts or {}).items() if points[index]}
    criteria = [
        _criterion(criterion, points[index], matches[index], doubts.get(index), folded)
        for index, criterion in enumerate(sheet.question["criteria"])
    ]
    total = verdict.points if verdict else min(sum(points), sheet.max_points)
    reasons = [*(["reversed"] if doubts else []), *(["unlike"] if _is_unlike(verdict) else [])]
    return {
        "points": _number(total),
        "criteria": criteria,
        "confidence": _confidence(verdict, is_doubted=bool(reasons)),
        "flags": [*rules.flags, *reasons],
    }


def _is_unlike(verdict: Judgement | None) -> bool:
    return verdict is not None and verdict.is_unlike


def _confidence(verdict: Judgement | None, *, is_doubted: bool) -> float | None:
    if verdict is None or verdict.confidence is None:
        return None
    return min(verdict.confidence, DOUBTED) if is_doubted else verdict.confidence


def _shared(judgement: Judgement, points: Sequence[float], sheet: Sheet) -> list[float]:
    """The calibrated total among the criteria: by their own models, or by their strengths."""
    criteria = sheet.question["criteria"]
    expected = [
        judgement.expected.get(criterion["code"], by_strength)
        for criterion, by_strength in zip(criteria, points, strict=True)
    ]
    max_points = [criterion["points"] for criterion in criteria]
    step = sheet.question["step"]
    return share_out(judgement.points, expected, max_points, step, sheet.max_points)


def _criterion(
    criterion: dict[str, Any],
    points: float,
    match: Match,
    doubt: Doubt | None,
    folded: texts.Folded,
) -> dict[str, Any]:
    code = criterion["code"]
    if not points:
        return {"code": code, "points": 0, "evidence": [], "doubts": []}
    spans = match.spans or [(0, len(folded.text))]
    return {
        "code": code,
        "points": _number(points),
        "evidence": [_span(folded, start, end) for start, end in spans],
        "doubts": [_span(folded, doubt.start, doubt.end) | {"reason": doubt.reason}]
        if doubt
        else [],
    }


def _span(folded: texts.Folded, start: int, end: int) -> dict[str, Any]:
    """The code points [start, end) of the folded text in those of the text as submitted."""
    first, last = folded.to_source(start, end)
    return {"start": first, "end": last}


def _number(points: float) -> float | int:
    """Whole points as an integer, as the contract has them."""
    return int(points) if points == int(points) else points
