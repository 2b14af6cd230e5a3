"""Scoring as one call: fold, tokenise, encode each distinct text once, match, judge."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import orjson

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher, TooLarge
from inference_server.encoding.tokens import Tokens
from inference_server.judging.artefacts import Fitted
from inference_server.judging.facts import facts
from inference_server.judging.general import General
from inference_server.judging.texts import Text
from inference_server.marking import matching, scoring
from inference_server.marking.judged import Judged
from inference_server.marking.matching import Match, Reading, Rubric
from pmscoring.base import texts

KEPT_QUESTIONS = 200
T = TypeVar("T")


class EncoderLike(Protocol):
    """What scoring asks of the engine."""

    model: str
    device: str
    window: int

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]: ...
    def windows(self, tokens: Tokens) -> list[Tokens]: ...
    def rarity(self, ids: Sequence[int]) -> Floats: ...


@dataclass(frozen=True)
class Known:
    """What is kept of a question."""

    sheet: scoring.Sheet
    rubric: Rubric
    is_essay: bool


@dataclass(frozen=True)
class Found:
    """What one text's reading gave."""

    matches: Sequence[Match]
    judged: Judged | None


class Scorer:
    """Scores lists of answers; keeps what it knows of questions, never of answers."""

    def __init__(self, encoder: EncoderLike, batcher: Batcher, max_tokens: int) -> None:
        self.encoder, self.batcher, self.max_tokens = encoder, batcher, max_tokens
        self.questions: OrderedDict[bytes, Known] = OrderedDict()
        self.lock = threading.Lock()

    def score(
        self,
        question: dict[str, Any],
        answers: Sequence[str],
        calibration: Fitted | None = None,
    ) -> list[dict[str, Any]]:
        """One result a text, without its id; raise Overloaded or TooLarge."""
        parts = {text: texts.fold(texts.read_part(text, question)) for text in answers}
        known = self.known(question)
        count = len(question["criteria"])

        def use(reading: Reading) -> Found:
            found = matching.matches(reading, known.rubric, count, all_count=known.is_essay)
            return Found(found, _judged(calibration, reading, found, known))

        found = self.read(list({part.text: 0 for part in parts.values() if part.text}), use)
        nothing = Found([matching.NO_MATCH] * count, None)
        voided = calibration.voided if calibration else None
        done = {}
        for text, part in parts.items():
            one = found.get(part.text, nothing)
            done[text] = scoring.score(text, part, known.sheet, one.matches, one.judged, voided)
        return [done[text] for text in answers]

    def read(self, sources: Sequence[str], use: Callable[[Reading], T]) -> dict[str, T]:
        """What `use` makes of each folded text's token vectors, windows joined."""
        tokens = self.encoder.tokenise(sources)
        if (size := sum(map(len, tokens))) > self.max_tokens:
            raise TooLarge(f"the texts have {size} tokens; at most {self.max_tokens} at once")
        windows = [self.encoder.windows(one) for one in tokens]
        places = [(text, window) for text, ws in enumerate(windows) for window in range(len(ws))]
        held: dict[int, dict[int, Floats]] = {}
        used: dict[str, T] = {}

        def each(index: int, vectors: Floats) -> None:
            text, window = places[index]
            parts = held.setdefault(text, {})
            parts[window] = vectors
            if len(parts) == len(windows[text]):
                joined = [(one, parts[i]) for i, one in enumerate(windows[text])]
                used[sources[text]] = use(self._reading(sources[text], joined))
                del held[text]

        self.batcher.submit([w.ids for ws in windows for w in ws], each).result()
        return used

    def _reading(self, source: str, parts: Sequence[tuple[Tokens, Floats]]) -> Reading:
        """What stands in the text: no prefix, no special tokens."""
        offsets = [offset for window, _ in parts for offset in window.offsets]
        here = [index for index, (start, end) in enumerate(offsets) if end > start]
        vectors = np.concatenate([vectors for _, vectors in parts])[here]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        ids = [token for window, _ in parts for token in window.ids]
        rarity = self.encoder.rarity([ids[index] for index in here])
        return Reading(source, [offsets[index] for index in here], vectors, rarity)

    def known(self, question: dict[str, Any]) -> Known:
        """The question read once."""
        name = orjson.dumps(question)
        with self.lock:
            if known := self.questions.get(name):
                self.questions.move_to_end(name)
                return known
        wanted, prompt = scoring.expected(question), texts.folded(question["prompt"])
        every = [text for several in [*wanted, [prompt]] for text in several if text]
        readings = self.read(list(dict.fromkeys(every)), lambda reading: reading)
        references = [[readings[text] for text in several] for several in wanted]
        rubric = matching.rubric(references, readings.get(prompt))
        made = Known(scoring.Sheet.of(question), rubric, bool(question["sections"]))
        with self.lock:
            self.questions[name] = made
            while len(self.questions) > KEPT_QUESTIONS:
                self.questions.popitem(last=False)
        return made


def _judged(
    calibration: Fitted | None, reading: Reading, found: Sequence[Match], known: Known
) -> Judged | None:
    """What the calibration says of the text; None without one, or where it says nothing."""
    if isinstance(calibration, General):
        count = len(known.sheet.question["criteria"])
        return calibration.judge(reading.text, facts(reading, known.rubric, count), known.sheet)
    return calibration.judge(Text.of(reading, found)) if calibration else None
