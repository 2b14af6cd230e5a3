"""Scoring as one call: fold, tokenise, encode each distinct text once, judge."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import numpy as np

from inference_server import scoring
from inference_server.batching import Batcher, TooLarge
from inference_server.scoring import Array, Reading
from inference_server.tokens import Tokens
from pmscoring import texts

CACHED_VECTORS = 20_000


class EncoderLike(Protocol):
    """What scoring asks of the engine."""

    model: str
    device: str
    width: int
    window: int

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]: ...
    def windows(self, tokens: Tokens) -> list[Tokens]: ...


class Scorer:
    """Scores lists of answers; keeps vectors of references, never of answers."""

    def __init__(self, encoder: EncoderLike, batcher: Batcher, max_tokens: int) -> None:
        self.encoder, self.batcher, self.max_tokens = encoder, batcher, max_tokens
        self.vectors: OrderedDict[str, Array] = OrderedDict()
        self.lock = threading.Lock()

    def score(self, question: dict[str, Any], answers: Sequence[str]) -> list[dict[str, Any]]:
        """One result a text, without its id; raise Overloaded or TooLarge."""
        parts = [texts.folded(scoring.read_part(text, question)) for text in answers]
        wanted = self._rubric(question)
        readings = self.read(list(dict.fromkeys(part for part in parts if part)))
        nothing = Reading("", [(0, 0)], np.zeros((1, self.encoder.width), np.float32))
        done: dict[str, dict[str, Any]] = {}
        for text, part in zip(answers, parts, strict=True):
            if text not in done:
                reading = readings.get(part, nothing)
                done[text] = scoring.score(text, question, wanted, reading)
        return [done[text] for text in answers]

    def read(self, sources: Sequence[str]) -> dict[str, Reading]:
        """Each folded text with its token vectors, windows joined."""
        tokens = self.encoder.tokenise(sources)
        if (size := sum(map(len, tokens))) > self.max_tokens:
            raise TooLarge(f"the texts have {size} tokens; at most {self.max_tokens} at once")
        windows = [self.encoder.windows(one) for one in tokens]
        job: Future[list[Array]] = self.batcher.submit([w.ids for ws in windows for w in ws])
        vectors = iter(job.result())
        return {
            source: _joined(source, [(window, next(vectors)) for window in ws])
            for source, ws in zip(sources, windows, strict=True)
        }

    def _rubric(self, question: dict[str, Any]) -> scoring.Rubric:
        wanted = scoring.expected_texts(question)
        with self.lock:
            known = {text: self.vectors[text] for text in wanted if text in self.vectors}
        new = self.read([text for text in wanted if text and text not in known])
        made = {text: reading.pooled(0, len(text)) for text, reading in new.items()}
        with self.lock:
            self.vectors.update(made)
            while len(self.vectors) > CACHED_VECTORS:
                self.vectors.popitem(last=False)
        return scoring.rubric(question, {**known, **made})


def _joined(source: str, parts: Sequence[tuple[Tokens, Array]]) -> Reading:
    offsets = [offset for window, _ in parts for offset in window.offsets]
    return Reading(source, offsets, np.concatenate([vectors for _, vectors in parts]))
