"""Texts that were written to fool the machine, beside the sample exam, where they are there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.gaming.questions import Question
from tests.bench.sample import wire
from tests.paths import SAMPLE


@dataclass(frozen=True)
class Probe:
    """A line of the file: a reversal names its right counterpart, and what of it is reversed.

    `earns` are the codes of the criteria that the text meets.
    """

    id: str
    language: str
    question: str
    kind: str
    text: str
    pair: str = ""
    of: str = ""
    earns: Sequence[str] = ()

    def share(self, wire: dict[str, Any]) -> float:
        """The share of the question's points that the text should have."""
        earned = sum(one["points"] for one in wire["criteria"] if one["code"] in self.earns)
        return min(float(earned / wire["max_points"]), 1.0)


def written(folder: Path = SAMPLE) -> list[Probe]:
    """Those of the sample exam's folder."""
    path = folder / "probes.jsonl"
    if not path.exists():
        return []
    names = Probe.__dataclass_fields__
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return [Probe(**{key: line[key] for key in names if key in line}) for line in lines]


def in_english(questions: Sequence[Question], folder: Path = SAMPLE) -> list[Question]:
    """The same questions by the exam's English definition, which nobody has answered."""
    path = folder / "exam.en.json"
    if not path.exists():
        return []
    translated = {one["code"]: one for one in json.loads(path.read_text("utf-8"))["questions"]}
    return [
        replace(
            one, language="en", wire=wire(translated[one.code] | {"language": "en"}), answers=[]
        )
        for one in questions
        if one.code in translated
    ]
