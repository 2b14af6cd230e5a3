"""What calibrations are fitted to."""

from dataclasses import dataclass

FEWEST = 30
"""Examples of a question, or of a criterion, that are enough to learn from."""


@dataclass(frozen=True)
class Example:
    """A text and the points that people gave it; `criteria` has them by code, or is None."""

    text: str
    points: float
    criteria: dict[str, float] | None


class TooFew(Exception):
    """Nothing can be learned from the examples; the message says why."""
