"""Marked answers of several questions, by a fixed rule: the whole of what is asked, half, or none.

Each question asks for one of the sentences written in written.py, on a scale of its own.
"""

from typing import Any

from tests.inference import written

OPENINGS = ("", "つまり、", "私は次のように考える。", "要するに、")
EACH = 40


def question(index: int) -> dict[str, Any]:
    """Of one criterion; every other question has ten points, the others four."""
    most = 10 if index % 2 else 4
    criterion = {
        "code": "C1",
        "label": "",
        "points": most,
        "references": [written.JAPANESE[index]],
        "keywords": [],
    }
    told = {"prompt": f"第{index}問に答えよ。", "max_points": most, "criteria": [criterion]}
    return written.QUESTION | told | {"model_answers": []}


def examples(index: int, number: int = EACH) -> list[dict[str, Any]]:
    """Answers to the question of that number with their points, no two alike."""
    most = question(index)["max_points"]
    return [_example(index, place, most) for place in range(number)]


def _example(index: int, place: int, most: int) -> dict[str, Any]:
    wanted = written.JAPANESE[index]
    other = written.JAPANESE[(index + 1 + place // 3 % 9) % 10]
    half = wanted[: len(wanted) // 2] + other[len(other) // 2 :]
    share, said = ((1.0, wanted), (0.5, half), (0.0, other))[place % 3]
    return {"text": f"{OPENINGS[place % 4]}{said}（{place}）", "points": most * share}


def marked(first: int = 0, last: int = 7) -> list[dict[str, Any]]:
    """Questions with their examples, as the service is told them."""
    return [
        {"question": question(index), "examples": examples(index)} for index in range(first, last)
    ]
