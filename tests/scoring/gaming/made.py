"""Questions and material of which dishonest texts are made here, and a scorer that counts words."""

from collections.abc import Sequence
from typing import Any

from tests.bench.gaming.makers import Material
from tests.bench.gaming.questions import Marked, Question
from tests.bench.gaming.words import Language

REFERENCE = "the cells divide because growth hormones are released"
GOOD = (
    "The growth hormones are released, and because of them every cell will divide again.",
    "Cells divide because hormones of growth have been released into them, which is normal.",
)
PASSAGE = "Plants grow slowly in winter. Light is scarce then. In spring the days are longer."


def wire(**more: Any) -> dict[str, Any]:
    """A question of one criterion as the inference service reads it."""
    criterion = {"code": "C1", "label": "-", "points": 4, "references": [REFERENCE], "keywords": []}
    return {
        "language": "en",
        "prompt": "Why do plants grow?",
        "passage": PASSAGE,
        "max_points": 4,
        "step": 1,
        "limits": {"min": None, "max": None, "count": "characters", "over_limit": "flag"},
        "criteria": [criterion],
        "model_answers": [],
        "sections": [],
        **more,
    }


def pairs(text: str) -> list[str]:
    """Two characters at a time, in place of the encoder's pieces."""
    return [text[i : i + 2] for i in range(0, len(text), 2)]


def material(code: str = "en", **more: Any) -> Material:
    """What makers of English texts work from."""
    given: dict[str, Any] = {
        "wire": wire(),
        "good": GOOD,
        "full": GOOD,
        "rest": ["It rains on all of them.", "The sun is warm."],
        "others": ["Because copper is a good conductor."],
        "foreign": ["Because copper is a good conductor.", "It melts."],
    }
    return Material(Language(code, pairs), **(given | more))


def question(code: str = "Q1", answers: int = 40, **more: Any) -> Question:
    """A question with answers of none to four points, all different."""
    texts = [f"{GOOD[n % 2]} {code} {n}" for n in range(answers)]
    marked = [Marked(text, float(n % 5)) for n, text in enumerate(texts)]
    return Question("made.csv", code, "en", wire(**more), marked, is_told=True)


class CountingScorer:
    """Gives a point for each hormone, and flags whatever copper is in."""

    def __init__(self) -> None:
        self.scored: list[str] = []

    def score(
        self, question: dict[str, Any], answers: Sequence[str], calibration: object = None
    ) -> list[dict[str, Any]]:
        """A mark for each."""
        self.scored += answers
        return [
            {
                "points": min(text.count("hormone"), int(question["max_points"])),
                "criteria": [],
                "confidence": None if calibration is None else 0.9,
                "flags": ["off_topic"] if "copper" in text else [],
            }
            for text in answers
        ]
