"""The chance that people give exactly the points chosen, fitted to predictions made out of fold."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles

LEAST, MOST = 0.001, 0.999


@dataclass(frozen=True)
class Confidence:
    """Log odds a + b x, of the log odds x that the distribution gives; b >= 0, so order is kept.

    It never exceeds `most`: so many examples show no more.
    """

    shift: float
    slope: float
    most: float

    def __call__(self, chances: Doubles) -> Doubles:
        """The confidence of each chance of the chosen level."""
        odds = self.shift + self.slope * log_odds(chances)
        return np.minimum(1 / (1 + np.exp(-odds)), self.most)


def of_rule(agreeing: int, count: int) -> float:
    """Of a mark that a rule made: what examples like it show, by the rule of succession."""
    return (agreeing + 1) / (count + 2)


def log_odds(chances: Doubles) -> Doubles:
    bounded = np.clip(chances, LEAST, MOST)
    odds: Doubles = np.log(bounded / (1 - bounded))
    return odds
