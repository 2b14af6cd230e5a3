"""What a calibration says of one text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Judged:
    """Points and confidence, and the mean of the distribution of each criterion by its code.

    `confidence` is None where nothing tells how sure it is.
    """

    points: float
    confidence: float | None
    expected: dict[str, float]
