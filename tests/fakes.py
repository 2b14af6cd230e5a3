"""Stand-ins for the encoder, for tests of what stands around it."""

from collections.abc import Callable, Sequence

import numpy as np

from inference_server.arrays import Floats
from inference_server.config import Config
from inference_server.encoding.batching import Batcher
from inference_server.encoding.tokens import Tokens
from inference_server.http.state import Service
from inference_server.scorer import Scorer

Forward = Callable[[Sequence[Sequence[int]]], list[Floats]]
WIDTH = 8
DEGREES = range(1, WIDTH + 1)


def vectors_of(sequences: Sequence[Sequence[int]]) -> list[Floats]:
    """A vector a token that its id alone decides."""
    return [
        np.array([[abs(np.sin(token * k)) for k in DEGREES] for token in ids], np.float32)
        for ids in sequences
    ]


class FakeEncoder:
    """A token a character, its code point its id; remembers in `seen` every text it tokenised."""

    model = "f" * 64
    middle = ""
    device = "cpu"
    window = 512

    def __init__(self) -> None:
        self.seen: list[str] = []

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]:
        """A token a character."""
        self.seen += sources
        return [
            Tokens([ord(character) for character in text], [(i, i + 1) for i in range(len(text))])
            for text in sources
        ]

    def rarity(self, ids: Sequence[int]) -> Floats:
        """Every token is as rare as any other."""
        return np.ones(len(ids), np.float32)

    def windows(self, tokens: Tokens) -> list[Tokens]:
        """The sequence as it is."""
        return [tokens]


def service_with(config: Config, forward: Forward = vectors_of) -> Service:
    """A service whose encoder is a stand-in, with `forward` as its pass."""
    encoder = FakeEncoder()
    batcher = Batcher(forward, config.pack_tokens, config.queue_answers)
    return Service(encoder, "fp32", batcher, Scorer(encoder, batcher, config.max_tokens))
