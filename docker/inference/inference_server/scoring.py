"""Uncalibrated scoring: points per criterion from references, keywords and model answers.

How surely a criterion is met comes from matching.py; here the strength becomes points, and the
question's rules become flags. Everything is a function of question and text alone.
docs/scoring.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Self

import regex

from inference_server.matching import Match
from pmscoring import texts

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


def score(
    text: str, source: texts.Folded, sheet: Sheet, matches: Sequence[Match]
) -> dict[str, Any]:
    """The mark of one text: points, criteria with evidence in the text's code points, flags.

    `source` is the part of it that is judged, folded.
    """
    question = sheet.question
    verdict = texts.verdict(text, question)
    said = source.text.lower()
    shares = [
        _share(criterion, keywords, match.strength, said)
        for criterion, keywords, match in zip(
            question["criteria"], sheet.keywords, matches, strict=True
        )
    ]
    if source.text in sheet.model_answers:
        shares = [1.0 for _ in shares]
    flags = _flags(source.text, sheet, verdict, max(match.strength for match in matches))
    if _is_void(verdict, question, flags):
        shares = [0.0 for _ in shares]
    criteria = [
        _criterion(criterion, share, match, question["step"], source)
        for criterion, share, match in zip(question["criteria"], shares, matches, strict=True)
    ]
    most = question["max_points"] // question["step"] * question["step"]
    total = min(sum(criterion["points"] for criterion in criteria), most)
    return {"points": _plain(total), "criteria": criteria, "confidence": None, "flags": flags}


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
    criterion: dict[str, Any], share: float, match: Match, step: float, source: texts.Folded
) -> dict[str, Any]:
    points = min(floor(criterion["points"] * share / step + 0.5) * step, criterion["points"])
    points = points // step * step
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
