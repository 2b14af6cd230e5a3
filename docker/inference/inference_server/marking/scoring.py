"""Scoring: points per criterion from references, keywords and model answers, or a calibration.

How surely a criterion is met comes from matching.py; here the strength becomes points, and the
question's rules become flags. Everything is a function of question and text alone.
docs/scoring.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Self

import regex

from inference_server.marking.judged import Judged
from inference_server.marking.matching import Match
from inference_server.marking.sharing import shared
from pmscoring.base import texts

WORD = regex.compile(r"\w+")
JAPANESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Han}]")
LETTER = regex.compile(r"\p{L}")
GRAM = 2
LEAST, FULL = 0.62, 0.74
"""Strengths at which a criterion begins to earn points, and has earned them all."""
KEYWORDS = 0.05
"""What all the keywords of a criterion add to its strength."""
OFF_TOPIC = 0.5
COPIED = 0.8


def expected(question: dict[str, Any]) -> list[list[str]]:
    """The folded texts that would meet each criterion: its references and its label.

    Without references the model answers, which meet every criterion, stand in for them.
    """
    return [
        [
            text
            for text in map(
                texts.folded,
                [*(criterion["references"] or question["model_answers"]), criterion["label"]],
            )
            if text
        ]
        for criterion in question["criteria"]
    ]


@dataclass(frozen=True)
class Sheet:
    """A question with what its rules ask of it folded once."""

    question: dict[str, Any]
    keywords: Sequence[Sequence[str]]
    model_answers: frozenset[str]
    prompt: frozenset[str]

    @classmethod
    def of(cls, question: dict[str, Any]) -> Self:
        """The sheet of a question on the wire."""
        keywords = [
            [word for word in map(_lowered, criterion["keywords"]) if word]
            for criterion in question["criteria"]
        ]
        models = frozenset(map(texts.folded, question["model_answers"]))
        return cls(question, keywords, models, _grams(texts.folded(question["prompt"])))


@dataclass(frozen=True)
class Rules:
    """What the question's rules say of a text; nothing in a void one earns points."""

    flags: list[str]
    is_void: bool


def rules(text: str, said: str, sheet: Sheet, best: float) -> Rules:
    """Of a text of which `said`, folded, is judged; `best` is its greatest strength."""
    verdict = texts.verdict(text, sheet.question)
    flags = _flags(said, sheet, verdict, best)
    return Rules(flags, _is_void(verdict, sheet.question, flags))


def score(
    text: str,
    source: texts.Folded,
    sheet: Sheet,
    matches: Sequence[Match],
    judged: Judged | None = None,
    voided: Judged | None = None,
) -> dict[str, Any]:
    """The mark of one text: points, criteria with evidence in the text's code points, flags.

    `source` is the part of it that is judged, folded. Under a calibration `judged` is what it says
    of the text, and `voided` what it says of one that a rule gives no points.
    """
    question = sheet.question
    told = rules(text, source.text, sheet, max(match.strength for match in matches))
    verdict = voided if told.is_void else judged
    points = [0.0 for _ in matches] if told.is_void else _points(source.text, sheet, matches)
    if verdict and not told.is_void:
        points = _shared(verdict, points, question)
    criteria = [
        _criterion(criterion, one, match, source)
        for criterion, one, match in zip(question["criteria"], points, matches, strict=True)
    ]
    total = verdict.points if verdict else min(sum(points), _most(question))
    return {
        "points": _plain(total),
        "criteria": criteria,
        "confidence": verdict.confidence if verdict else None,
        "flags": told.flags,
    }


def _points(said: str, sheet: Sheet, matches: Sequence[Match]) -> list[float]:
    """Of each criterion by its strength alone."""
    criteria, step = sheet.question["criteria"], sheet.question["step"]
    if said in sheet.model_answers:
        return [_on_step(criterion["points"], step) for criterion in criteria]
    lowered = said.lower()
    found = []
    for criterion, words, match in zip(criteria, sheet.keywords, matches, strict=True):
        share = _share(criterion, words, match.strength, lowered)
        nearest = floor(criterion["points"] * share / step + 0.5) * step
        found.append(_on_step(min(nearest, criterion["points"]), step))
    return found


def _shared(judged: Judged, points: Sequence[float], question: dict[str, Any]) -> list[float]:
    """The calibrated total among the criteria: by their own models, or by their strengths."""
    criteria = question["criteria"]
    expected = [
        judged.expected.get(criterion["code"], one)
        for criterion, one in zip(criteria, points, strict=True)
    ]
    tops = [criterion["points"] for criterion in criteria]
    return shared(judged.points, expected, tops, question["step"], _most(question))


def _most(question: dict[str, Any]) -> float:
    return _on_step(question["max_points"], question["step"])


def _on_step(points: float, step: float) -> float:
    return points // step * step


def _lowered(text: str) -> str:
    return texts.folded(text).lower()


def _share(criterion: dict[str, Any], keywords: Sequence[str], strength: float, said: str) -> float:
    """What share of the criterion's points a text has earned."""
    hits = sum(word in said for word in keywords) / len(keywords) if keywords else 0.0
    share = (strength + KEYWORDS * hits - LEAST) / (FULL - LEAST)
    if not criterion["references"]:
        share = max(share, hits)
    return min(max(share, 0.0), 1.0)


def _is_void(verdict: str, question: dict[str, Any], flags: Sequence[str]) -> bool:
    over = verdict == "too_long" and question["limits"]["over_limit"] == "zero"
    return over or "blank" in flags or "copied_prompt" in flags


def _grams(text: str) -> frozenset[str]:
    joined = "".join(WORD.findall(text.lower()))
    return frozenset(joined[i : i + GRAM] for i in range(max(len(joined) - GRAM + 1, 0)))


def _criterion(
    criterion: dict[str, Any], points: float, match: Match, source: texts.Folded
) -> dict[str, Any]:
    if not points:
        return {"code": criterion["code"], "points": 0, "evidence": []}
    end = min(match.end, len(source.text)) or len(source.text)
    first, last = source.to_source(match.start, end)
    evidence = [{"start": first, "end": last}]
    return {"code": criterion["code"], "points": _plain(points), "evidence": evidence}


def _plain(points: float) -> float | int:
    return int(points) if points == int(points) else points


def _flags(text: str, sheet: Sheet, verdict: str, best: float) -> list[str]:
    if verdict == "blank":
        return ["blank"]
    flags = [verdict] if verdict != "ok" else []
    if _is_copied(text, sheet.prompt):
        flags.append("copied_prompt")
    if not _in_language(text, sheet.question["language"]):
        flags.append("wrong_language")
    if best < OFF_TOPIC:
        flags.append("off_topic")
    return flags


def _is_copied(text: str, prompt: frozenset[str]) -> bool:
    """Nearly all of the text stands in the prompt; a passage may be quoted, a question not."""
    grams = _grams(text)
    return len(grams) >= 8 and len(grams & prompt) >= COPIED * len(grams)


def _in_language(text: str, language: str) -> bool:
    letters = len(LETTER.findall(text))
    japanese = len(JAPANESE.findall(text))
    if letters < 10:
        return True
    return japanese * 5 >= letters if language == "ja" else japanese * 2 <= letters
