"""Whether a text's words stand in an order that writers give them, by the encoder's middle layers.

Two logistic regressions on the mean token vectors of these layers, where the encoder has read the
neighbours of each word but not yet made one meaning of them all: `garbled` tells texts whose words,
morphemes or characters were shuffled, `stuffed` words in a row. They were fitted to honest answers
and to what was made of these, without anybody's marks; docs/scoring.md has what they reach.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import safe_open

from inference_server.arrays import Doubles, Floats
from inference_server.marking.matching import Reading

HEADS = Path(__file__).with_name("order.safetensors")
NAMES = ("garbled", "stuffed")
"""What the heads tell, in the order of their rows; each is the name of a flag."""


@dataclass(frozen=True)
class Heads:
    """The regressions, in the file as fp32.

    `weights` [NAMES, features] and `bias` [NAMES] give log odds less the threshold from which on a
    text is flagged; `encoder` is the SHA-256 of the middle layers that they were fitted to.
    """

    encoder: str
    weights: Doubles
    bias: Doubles

    @classmethod
    def load(cls, path: Path = HEADS) -> Self:
        """What `python -m tests.bench.order --write` wrote."""
        with safe_open(path, "numpy") as file:
            weights, bias = (
                file.get_tensor(name).astype(np.float64) for name in ("weights", "bias")
            )
            return cls(file.metadata()["encoder"], weights, bias)

    def suited_to(self, encoder: str) -> Self | None:
        """The heads where they were fitted to these middle layers; None for another encoder."""
        return self if encoder == self.encoder else None

    def flags(self, reading: Reading) -> list[str]:
        """Those of NAMES whose threshold the text is over."""
        return [name for name, excess in self.excess(reading).items() if excess > 0]

    def excess(self, reading: Reading) -> dict[str, float]:
        """By how much the log odds of each of NAMES exceed its threshold; none without vectors."""
        if reading.middle is None:
            return {}
        odds = self.weights @ features(reading.middle) + self.bias
        return dict(zip(NAMES, odds.tolist(), strict=True))


def features(middle: Floats) -> Doubles:
    """[features]: the layers' means side by side, each of unit length."""
    rows = middle.astype(np.float64)
    rows /= np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), 1e-12)[:, None]
    flat: Doubles = rows.ravel()
    return flat
