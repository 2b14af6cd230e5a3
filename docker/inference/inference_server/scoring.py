"""Uncalibrated scoring: points per criterion from references, keywords and model answers.

An answer is one encoder pass; its clauses' vectors are pooled from the token vectors. A criterion
earns its points when some clause, pair of clauses or the whole says what a reference says, by
meaning (cosine) and by wording (character n-grams, keywords). docs/scoring.md has the figures.
Everything here is a function of question and text alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import regex

from pmscoring import texts

Array = np.ndarray[Any, np.dtype[np.float32]]
CLAUSE = regex.compile(r"[^。、．，.,;；:：!?！？]+[。、．，.,;；:：!?！？]*")
WORD = regex.compile(r"\w+")
JAPANESE = regex.compile(r"[\p{Hiragana}\p{Katakana}\p{Han}]")
LETTER = regex.compile(r"\p{L}")
GRAM = 2
LEAST_COSINE, FULL_COSINE = 0.80, 0.95
"""Cosines of E5 crowd high: below the first nothing is meant, above the second it is the same."""
MEANING, WORDING, KEYWORDS = 0.5, 0.3, 0.2
HALF, FULL = 0.42, 0.62
OFF_TOPIC = 0.15
COPIED = 0.8


@dataclass(frozen=True)
class Reading:
    """A folded text with its token vectors: what scoring needs of the encoder."""

    text: str
    offsets: Sequence[tuple[int, int]]
    vectors: Array

    def pooled(self, start: int, end: int) -> Array:
        """The unit mean of the tokens that lie in [start, end)."""
        inside = [i for i, (a, b) in enumerate(self.offsets) if a < end and b > start]
        mean = self.vectors[inside].mean(axis=0) if inside else self.vectors.mean(axis=0)
        unit: Array = mean / max(float(np.linalg.norm(mean)), 1e-12)
        return unit


@dataclass(frozen=True)
class Expected:
    """One reference's text and unit vector."""

    text: str
    vector: Array


@dataclass(frozen=True)
class Rubric:
    """Per criterion the references, and the model answers, each with its vector."""

    criteria: Sequence[Sequence[Expected]]
    model_answers: Sequence[Expected]


@dataclass(frozen=True)
class Span:
    """A stretch of the answer that may earn a criterion."""

    start: int
    end: int
    text: str
    vector: Array


def expected_texts(question: dict[str, Any]) -> list[str]:
    """All the folded texts whose vectors a rubric needs, each once."""
    found = [text for criterion in question["criteria"] for text in criterion["references"]]
    return list(dict.fromkeys(texts.folded(text) for text in [*found, *question["model_answers"]]))


def rubric(question: dict[str, Any], vectors: dict[str, Array]) -> Rubric:
    """The rubric, given the vector of each expected text."""

    def expect(sources: Sequence[str]) -> list[Expected]:
        folded = [texts.folded(text) for text in sources]
        return [Expected(text, vectors[text]) for text in folded]

    return Rubric(
        [expect(criterion["references"]) for criterion in question["criteria"]],
        expect(question["model_answers"]),
    )


def read_part(text: str, question: dict[str, Any]) -> str:
    """What of the text counts: all, or what lies within the limit where the rest is cut off."""
    limits = question["limits"]
    if limits["over_limit"] == "truncate":
        return texts.within_limit(text, limits["max"], limits["count"])
    return text


def score(text: str, question: dict[str, Any], wanted: Rubric, reading: Reading) -> dict[str, Any]:
    """The mark of one text: points, criteria with evidence in the text's code points, flags."""
    source = texts.fold(read_part(text, question))
    verdict = texts.verdict(text, question)
    spans = _spans(reading)
    strengths = [
        _strength(criterion, expected or wanted.model_answers, spans)
        for criterion, expected in zip(question["criteria"], wanted.criteria, strict=True)
    ]
    flags = _flags(reading.text, question, verdict, max(s for s, _ in strengths))
    void = verdict == "blank" or (
        verdict == "too_long" and question["limits"]["over_limit"] == "zero"
    )
    void = void or "copied_prompt" in flags or not reading.text
    criteria = [
        _criterion(criterion, 0.0 if void else strength, span, question["step"], source)
        for criterion, (strength, span) in zip(question["criteria"], strengths, strict=True)
    ]
    total = min(sum(criterion["points"] for criterion in criteria), question["max_points"])
    return {"points": _plain(total), "criteria": criteria, "confidence": None, "flags": flags}


def _spans(reading: Reading) -> list[Span]:
    bounds = [(m.start(), m.end()) for m in CLAUSE.finditer(reading.text) if m.group().strip()]
    bounds = bounds or [(0, len(reading.text))]
    pairs = [(a[0], b[1]) for a, b in pairwise(bounds)]
    every = [*bounds, *pairs]
    if len(bounds) != 1 and (whole := (bounds[0][0], bounds[-1][1])) not in every:
        every.append(whole)
    return [Span(a, b, reading.text[a:b], reading.pooled(a, b)) for a, b in every]


def _strength(
    criterion: dict[str, Any], expected: Sequence[Expected], spans: Sequence[Span]
) -> tuple[float, Span]:
    """How surely the criterion is met, in [0, 1], and the span that says so."""
    keywords = [texts.folded(word).lower() for word in criterion["keywords"]]
    rated = [
        (_rate(span, expected, keywords), -(span.end - span.start), i)
        for i, span in enumerate(spans)
    ]
    best = max(rated)
    return best[0], spans[best[2]]


def _rate(span: Span, expected: Sequence[Expected], keywords: Sequence[str]) -> float:
    meaning = max((_meaning(span.vector, one.vector) for one in expected), default=0.0)
    wording = max((_coverage(one.text, span.text) for one in expected), default=0.0)
    if not keywords:
        return (MEANING * meaning + WORDING * wording) / (MEANING + WORDING)
    lowered = span.text.lower()
    hits = sum(word in lowered for word in keywords) / len(keywords)
    if not expected:
        return hits
    return MEANING * meaning + WORDING * wording + KEYWORDS * hits


def _meaning(one: Array, other: Array) -> float:
    cosine = float(np.dot(one, other))
    return min(max((cosine - LEAST_COSINE) / (FULL_COSINE - LEAST_COSINE), 0.0), 1.0)


@lru_cache(maxsize=8192)
def _grams(text: str) -> frozenset[str]:
    joined = "".join(WORD.findall(text.lower()))
    return frozenset(joined[i : i + GRAM] for i in range(max(len(joined) - GRAM + 1, 0)))


def _coverage(wanted: str, said: str) -> float:
    grams = _grams(wanted)
    return len(grams & _grams(said)) / len(grams) if grams else 0.0


def _criterion(
    criterion: dict[str, Any], strength: float, span: Span, step: float, source: texts.Folded
) -> dict[str, Any]:
    share = 1.0 if strength >= FULL else 0.5 if strength >= HALF else 0.0
    points = criterion["points"] * share // step * step
    if not points:
        return {"code": criterion["code"], "points": 0, "evidence": []}
    start, end = source.to_source(span.start, min(span.end, len(source.text)))
    evidence = [{"start": start, "end": end}]
    return {"code": criterion["code"], "points": _plain(points), "evidence": evidence}


def _plain(points: float) -> float | int:
    return int(points) if points == int(points) else points


def _flags(text: str, question: dict[str, Any], verdict: str, best: float) -> list[str]:
    if verdict == "blank":
        return ["blank"]
    flags = [verdict] if verdict != "ok" else []
    if _is_copied(text, question):
        flags.append("copied_prompt")
    if not _in_language(text, question["language"]):
        flags.append("wrong_language")
    if best < OFF_TOPIC:
        flags.append("off_topic")
    return flags


def _is_copied(text: str, question: dict[str, Any]) -> bool:
    """Nearly all of the text stands in the prompt; a passage may be quoted, a question not."""
    grams = _grams(text)
    return len(grams) >= 8 and len(
        grams & _grams(texts.folded(question["prompt"]))
    ) >= COPIED * len(grams)


def _in_language(text: str, language: str) -> bool:
    letters = len(LETTER.findall(text))
    japanese = len(JAPANESE.findall(text))
    if letters < 10:
        return True
    return japanese * 5 >= letters if language == "ja" else japanese * 2 <= letters
