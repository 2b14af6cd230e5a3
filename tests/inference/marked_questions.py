"""Marked answers of several questions, by a fixed rule: all of what is asked for, half, or none.

Each question asks for one of the Japanese sentences in sample_texts.py, on a scale of its own.
"""

from typing import Any

from inference_server.fitting.examples import Example
from tests.inference import sample_texts

OPENINGS = ("", "つまり、", "私は次のように考える。", "要するに、")
EXAMPLES = 40
"""Of each question."""


def question(index: int) -> dict[str, Any]:
    """A question of one criterion; every other one has ten points, the others four."""
    max_points = 10 if index % 2 else 4
    criterion = {
        "code": "C1",
        "label": "",
        "points": max_points,
        "references": [sample_texts.JAPANESE[index]],
        "keywords": [],
    }
    changes = {
        "prompt": f"第{index}問に答えよ。",
        "max_points": max_points,
        "criteria": [criterion],
        "model_answers": [],
    }
    return sample_texts.QUESTION | changes


def examples(index: int, number: int = EXAMPLES) -> list[dict[str, Any]]:
    """Answers to the question of that index with their points, no two alike."""
    max_points = question(index)["max_points"]
    return [_example(index, place, max_points) for place in range(number)]


def _example(index: int, place: int, max_points: int) -> dict[str, Any]:
    reference = sample_texts.JAPANESE[index]
    other = sample_texts.JAPANESE[(index + 1 + place // 3 % 9) % 10]
    half = reference[: len(reference) // 2] + other[len(other) // 2 :]
    share, content = ((1.0, reference), (0.5, half), (0.0, other))[place % 3]
    return {"text": f"{OPENINGS[place % 4]}{content}（{place}）", "points": max_points * share}


def marked(first: int = 0, last: int = 7) -> list[dict[str, Any]]:
    """Questions with their examples, as the body of a request has them."""
    return [
        {"question": question(index), "examples": examples(index)} for index in range(first, last)
    ]


def as_examples() -> list[tuple[dict[str, Any], list[Example]]]:
    """The same as the fit takes them."""
    return [
        (
            pair["question"],
            [Example(example["text"], example["points"], None) for example in pair["examples"]],
        )
        for pair in marked()
    ]
