"""Distinct answers of the length and wording of the sample exam's."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.bench import sample

EXAM = "BENCH"
QUESTION = "Q1"


@cache
def written() -> Sequence[str]:
    """The sample's short answers that are not blank."""
    lines = sample.lines("answers")
    found = (answer.get("text", "") for line in lines for answer in line["answers"])
    return list(dict.fromkeys(text for text in found if text.strip()))


def distinct(count: int, seed: int) -> list[str]:
    """`count` texts, no two the same, none the same under another seed."""
    texts = written()
    return [f"{texts[n % len(texts)]}{seed}の{n // len(texts)}" for n in range(count)]


def question() -> dict[str, Any]:
    """The question on the wire."""
    return next(sample.questions()).wire


def definition(code: str) -> dict[str, Any]:
    """An exam of that one question."""
    exam = sample.exam()
    return {**exam, "code": code, "questions": exam["questions"][:1]}
