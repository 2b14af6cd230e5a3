"""What a calibration is fitted to."""

from dataclasses import dataclass

FEWEST = 30
"""Examples of a question, or of a criterion, that are enough to learn from."""


@dataclass(frozen=True)
class Example:
    """A text and what people gave it; `criteria` by code, or None."""

    text: str
    points: float
    criteria: dict[str, float] | None


class TooFew(Exception):
    """Nothing that is there can be learned from."""
