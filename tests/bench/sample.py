"""The sample exam, which was written and marked by hand for this, question by question."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pmscoring.base import texts
from tests.paths import SAMPLE


@dataclass
class Marked:
    """A question as the inference service reads it, its answers and their marks."""

    code: str
    wire: dict[str, Any]
    texts: list[str] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    criteria: list[dict[str, float]] = field(default_factory=list)


def questions() -> Iterator[Marked]:
    """In the exam's order."""
    marks = {(one["candidate"], one["question"]): one for one in lines("marks")}
    answers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (candidate, code), text in handed_in().items():
        answers[code].append((candidate, text))
    for question in exam()["questions"]:
        found = Marked(question["code"], wire(question))
        for candidate, text in answers[found.code]:
            mark = marks[candidate, found.code]
            found.texts.append(text)
            found.points.append(float(mark["points"]))
            found.criteria.append(mark["criteria"])
        yield found


def handed_in() -> dict[tuple[str, str], str]:
    """Its answers by candidate and question, the sections of an essay as they are stored."""
    return {
        (line["candidate"], answer["question"]): answer.get("text")
        or texts.SECTION_BREAK.join(answer.get("sections", []))
        for line in lines("answers")
        for answer in line["answers"]
    }


def exam(name: str = "exam") -> dict[str, Any]:
    """Its definition; `exam.en` is the one in English."""
    found: dict[str, Any] = json.loads((SAMPLE / f"{name}.json").read_text("utf-8"))
    return found


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Of its answers, marks, evidence or probes."""
    return map(json.loads, (SAMPLE / f"{name}.jsonl").read_text("utf-8").splitlines())


def wire(question: dict[str, Any]) -> dict[str, Any]:
    """A question of a definition as the inference service reads it."""
    limits = {"min": None, "max": None, "count": "characters", "over_limit": "flag"}
    defaults = {"passage": "", "step": 1, "sections": [], "model_answers": [], "limits": limits}
    names = ("code", "label", "group", "ranks")
    return {k: v for k, v in (defaults | question).items() if k not in names}
