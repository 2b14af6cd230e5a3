"""Reading texts: tokenise, encode in packs with everybody else's, join the windows of long ones.

It needs neither regex nor scipy, so that the encoder can be tried where torch alone is installed.
"""

import copy
import time
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import numpy as np

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher, Overloaded, TooLarge
from inference_server.encoding.callers import Caller, Gone
from inference_server.encoding.tokens import Tokens
from inference_server.marking.matching import Reading

PATIENCE = 0.2
"""Seconds between two tries of work that others go before."""
T = TypeVar("T")


class EncoderLike(Protocol):
    """What reading asks of the encoder; `window` is a number of tokens.

    `model` is its SHA-256, `middle` that of its middle layers; empty where it has none.
    """

    model: str
    middle: str
    device: str
    window: int

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]: ...
    def windows(self, tokens: Tokens) -> list[Tokens]: ...
    def rarity(self, ids: Sequence[int]) -> Floats: ...


class TextReader:
    """Reads lists of folded texts through the encoder."""

    def __init__(self, encoder: EncoderLike, batcher: Batcher, max_tokens: int) -> None:
        """`max_tokens` bounds the tokens of one call."""
        self.encoder, self.batcher, self.max_tokens = encoder, batcher, max_tokens
        self.caller: Caller | None = None

    def serving(self, caller: Caller) -> Self:
        """The same reader, which raises Gone wherever it reads once the caller has left."""
        reader = copy.copy(self)
        reader.caller = caller
        return reader

    def read(
        self, sources: Sequence[str], use: Callable[[Reading], T], caller: Caller | None = None
    ) -> dict[str, T]:
        """What `use` makes of each distinct folded text, its windows joined.

        `use` runs in the encoder's thread, so that readings are never all in memory. Raises
        Overloaded, TooLarge or Gone.
        """
        tokens = self.encoder.tokenise(sources)
        if (size := sum(map(len, tokens))) > self.max_tokens:
            raise TooLarge(f"the texts have {size} tokens; at most {self.max_tokens} at once")
        windows = [self.encoder.windows(text_tokens) for text_tokens in tokens]
        places = [(text, place) for text, own in enumerate(windows) for place in range(len(own))]
        pending: dict[int, dict[int, Floats]] = {}
        results: dict[str, T] = {}

        # The encoder's thread alone calls this and writes to both dictionaries; the caller reads
        # `results` after the future has its result, and so after the last write.
        def collect(index: int, vectors: Floats) -> None:
            text, place = places[index]
            parts = pending.setdefault(text, {})
            parts[place] = vectors
            if len(parts) == len(windows[text]):
                joined = [(window, parts[i]) for i, window in enumerate(windows[text])]
                results[sources[text]] = use(self._reading(sources[text], joined))
                del pending[text]

        sequences = [window.ids for own in windows for window in own]
        (caller or self.caller or Caller()).wait(self.batcher.submit(sequences, collect))
        return results

    def read_patiently(self, sources: Sequence[str], use: Callable[[Reading], T]) -> dict[str, T]:
        """As `read`, but wait while the queue is full: answers to be scored go first."""
        while True:
            try:
                return self.read(sources, use)
            except Overloaded as error:
                if self.caller and self.caller.has_left:
                    raise Gone from error
                time.sleep(PATIENCE)

    def _reading(self, source: str, parts: Sequence[tuple[Tokens, Floats]]) -> Reading:
        """The tokens that stand in the text, without prefix and special tokens."""
        offsets = [offset for window, _ in parts for offset in window.offsets]
        kept = [index for index, (start, end) in enumerate(offsets) if end > start]
        vectors = np.concatenate([rows[: len(window)] for window, rows in parts])[kept]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        ids = [token for window, _ in parts for token in window.ids]
        rarity = self.encoder.rarity([ids[index] for index in kept])
        return Reading(source, [offsets[index] for index in kept], vectors, rarity, _middle(parts))


def _middle(parts: Sequence[tuple[Tokens, Floats]]) -> Floats | None:
    """[layers, width]: the means of the windows' middle layers, which stand below their tokens."""
    window, rows = parts[0]
    if len(rows) == len(window):
        return None
    if len(parts) == 1:
        return rows[len(window) :].copy()
    sizes = np.array([len(window) for window, _ in parts], np.float32)
    middle = np.stack([rows[len(window) :] for window, rows in parts])
    weighted: Floats = np.tensordot(sizes / sizes.sum(), middle, axes=1)
    return weighted
