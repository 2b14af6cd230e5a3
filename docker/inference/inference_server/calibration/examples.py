"""What a calibration is made of and for."""

from dataclasses import dataclass
from typing import Any

FEWEST = 30
"""Examples of a question, or of a criterion, that are enough to learn from."""


@dataclass(frozen=True)
class Example:
    """A text and what people gave it; `criteria` by code, or None."""

    text: str
    points: float
    criteria: dict[str, float] | None


def made_for(question: dict[str, Any]) -> dict[str, Any]:
    """What of a question a calibration cannot do without."""
    codes = [criterion["code"] for criterion in question["criteria"]]
    return {"max_points": question["max_points"], "step": question["step"], "criteria": codes}
