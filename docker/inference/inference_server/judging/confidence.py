"""The chance that people give exactly the points that were chosen."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles

LEAST, GREATEST = 0.001, 0.999


@dataclass(frozen=True)
class Confidence:
    """Platt scaling (Platt 1999): log odds a + b x of the log odds x of the chosen level.

    b >= 0, so that the order is kept. No confidence exceeds `ceiling`: so many examples show no
    more.
    """

    intercept: float
    slope: float
    ceiling: float

    def __call__(self, chances: Doubles) -> Doubles:
        """The confidence from each chance of the chosen level."""
        odds = self.intercept + self.slope * log_odds(chances)
        return np.minimum(1 / (1 + np.exp(-odds)), self.ceiling)


def rule_of_succession(agreeing: int, count: int) -> float:
    """The chance that people agree with the next mark of its kind, after `count` (Laplace)."""
    return (agreeing + 1) / (count + 2)


def log_odds(chances: Doubles) -> Doubles:
    """Of chances that are first brought within LEAST and GREATEST."""
    bounded = np.clip(chances, LEAST, GREATEST)
    odds: Doubles = np.log(bounded / (1 - bounded))
    return odds
