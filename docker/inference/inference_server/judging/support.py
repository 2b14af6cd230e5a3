"""Whether a text is at all like the answers that a calibration was fitted to."""

from dataclasses import dataclass

import numpy as np

from inference_server.arrays import Doubles
from inference_server.judging.texts import Text


@dataclass(frozen=True)
class Support:
    """A linear function of a text's direction, by `weights` [width]; below `least` it is unlike."""

    weights: Doubles
    least: float

    def has(self, text: Text) -> bool:
        """Whether the text is like those that were marked."""
        return bool(direction(text) @ self.weights >= self.least)


def direction(text: Text) -> Doubles:
    """[width], of unit length: the mean of its token vectors."""
    mean = text.tokens.astype(np.float64).mean(axis=0)
    unit: Doubles = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit
