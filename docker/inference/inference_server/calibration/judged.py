"""What a calibration says of one text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """Points and confidence, and the mean of the distribution of each criterion by its code."""

    points: float
    confidence: float
    expected: dict[str, float]
