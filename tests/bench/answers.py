"""Distinct answers of the length and wording of the sample exam's."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.conftest import ROOT

SAMPLE = ROOT / "scoring" / "sample"
EXAM = "BENCH"
QUESTION = "Q1"


@cache
def written() -> Sequence[str]:
    """The sample's short answers that are not blank."""
    lines = map(json.loads, (SAMPLE / "answers.jsonl").read_text("utf-8").splitlines())
    found = (answer.get("text", "") for line in lines for answer in line["answers"])
    return list(dict.fromkeys(text for text in found if text.strip()))


def distinct(count: int, seed: int) -> list[str]:
    """`count` texts, no two the same, none the same under another seed."""
    texts = written()
    return [f"{texts[n % len(texts)]}{seed}の{n // len(texts)}" for n in range(count)]


def question() -> dict[str, Any]:
    """The question on the wire."""
    one = json.loads((SAMPLE / "exam.json").read_text("utf-8"))["questions"][0]
    names = ("language", "prompt", "passage", "max_points", "step", "limits", "criteria")
    return {name: one[name] for name in (*names, "model_answers")} | {"sections": []}


def definition(code: str) -> dict[str, Any]:
    """An exam of that one question."""
    exam = json.loads((SAMPLE / "exam.json").read_text("utf-8"))
    return {**exam, "code": code, "questions": exam["questions"][:1]}
