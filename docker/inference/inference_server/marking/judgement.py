"""What a calibration says of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Judgement:
    """Points and confidence of the answer, and by criterion's code the points to be expected.

    `confidence` is the chance that people give the same points, or None where that is not known.
    `expected` has means of distributions, off the question's step. `is_unlike` is whether the
    answer is unlike all that people have marked, so that their marks say little of it.
    """

    points: float
    confidence: float | None
    expected: dict[str, float]
    is_unlike: bool = False
