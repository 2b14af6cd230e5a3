"""Marks: points by criterion from references, keywords and model answers, or from a calibration.

How surely a criterion is met comes from matching.py; here the strength becomes points. Everything
is a function of question and text alone. docs/scoring.md has the figures.
"""

from collections.abc import Sequence
from typing import Any

from inference_server.marking.judgement import Judgement
from inference_server.marking.matching import Match
from inference_server.marking.points import by_strength
from inference_server.marking.rules import apply_rules
from inference_server.marking.sharing import share_out
from inference_server.marking.sheet import Sheet
from pmscoring.base import texts


def mark(
    answer: str,
    folded: texts.Folded,
    sheet: Sheet,
    matches: Sequence[Match],
    judgement: Judgement | None = None,
    void_judgement: Judgement | None = None,
    disorder: Sequence[str] = (),
) -> dict[str, Any]:
    """The mark of an answer: points, criteria with evidence in the answer's code points, flags.

    `folded` is the part of the answer that is marked; `matches` has one match a criterion. Under a
    calibration `judgement` is what it says of this answer (None where it says nothing), and
    `void_judgement` what it says of an answer that a rule leaves without points. `disorder` are the
    flags that the order of its words would earn were it long enough.
    """
    best_strength = max(match.strength for match in matches)
    rules = apply_rules(answer, folded.text, sheet, best_strength, disorder)
    if rules.is_void:
        verdict, points = void_judgement, [0.0 for _ in matches]
    else:
        verdict, points = judgement, by_strength(folded.text, sheet, matches)
        if verdict:
            points = _shared(verdict, points, sheet)
    criteria = [
        _criterion(criterion, earned, match, folded)
        for criterion, earned, match in zip(
            sheet.question["criteria"], points, matches, strict=True
        )
    ]
    total = verdict.points if verdict else min(sum(points), sheet.max_points)
    return {
        "points": _number(total),
        "criteria": criteria,
        "confidence": verdict.confidence if verdict else None,
        "flags": rules.flags,
    }


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
    criterion: dict[str, Any], points: float, match: Match, folded: texts.Folded
) -> dict[str, Any]:
    if not points:
        return {"code": criterion["code"], "points": 0, "evidence": []}
    end = min(match.end, len(folded.text)) or len(folded.text)
    first, last = folded.to_source(match.start, end)
    evidence = [{"start": first, "end": last}]
    return {"code": criterion["code"], "points": _number(points), "evidence": evidence}


def _number(points: float) -> float | int:
    """Whole points as an integer, as the contract has them."""
    return int(points) if points == int(points) else points
