"""Scoring as one call: fold, tokenise, encode each distinct text once, match, judge, mark."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import orjson

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher, Overloaded, TooLarge
from inference_server.encoding.callers import Caller
from inference_server.encoding.tokens import Tokens
from inference_server.judging.artefacts import Calibration
from inference_server.judging.facts import facts
from inference_server.judging.general import GeneralCalibration
from inference_server.judging.texts import Text
from inference_server.marking import matching
from inference_server.marking.judgement import Judgement
from inference_server.marking.marks import mark
from inference_server.marking.matching import NO_MATCH, Match, Reading, Rubric
from inference_server.marking.sheet import Sheet, reference_texts
from pmscoring.base import lengths, texts

MAX_QUESTIONS = 200
"""Questions that are kept prepared."""
PATIENCE = 0.2
"""Seconds between two tries of work that others go before."""
T = TypeVar("T")


class EncoderLike(Protocol):
    """What scoring asks of the encoder; `model` is its SHA-256, `window` a number of tokens."""

    model: str
    device: str
    window: int

    def tokenise(self, sources: Sequence[str]) -> list[Tokens]: ...
    def windows(self, tokens: Tokens) -> list[Tokens]: ...
    def rarity(self, ids: Sequence[int]) -> Floats: ...


@dataclass(frozen=True)
class PreparedQuestion:
    """What is kept of a question: its rules, its references as the encoder read them."""

    sheet: Sheet
    rubric: Rubric
    is_essay: bool


@dataclass(frozen=True)
class ReadAnswer:
    """What came of reading an answer."""

    matches: Sequence[Match]
    judgement: Judgement | None


class Scorer:
    """Scores lists of answers; keeps what it knows of questions, never of answers."""

    def __init__(self, encoder: EncoderLike, batcher: Batcher, max_tokens: int) -> None:
        """`max_tokens` bounds the tokens of one call."""
        self.encoder, self.batcher, self.max_tokens = encoder, batcher, max_tokens
        self.questions: OrderedDict[bytes, PreparedQuestion] = OrderedDict()
        self.lock = threading.Lock()

    def score(
        self,
        question: dict[str, Any],
        answers: Sequence[str],
        calibration: Calibration | None = None,
        caller: Caller | None = None,
    ) -> list[dict[str, Any]]:
        """The mark of each answer, in their order; raise Overloaded, TooLarge or Gone.

        A question is prepared to the end even where the caller leaves: it is kept for the next.
        """
        folded = {text: texts.fold(texts.read_part(text, question)) for text in answers}
        _check_lengths(folded.values(), lengths.longest(question))
        prepared = self.prepare(question)
        count = len(question["criteria"])

        def use(reading: Reading) -> ReadAnswer:
            matches = matching.matches(reading, prepared.rubric, count, average=prepared.is_essay)
            return ReadAnswer(matches, _judgement(calibration, reading, matches, prepared))

        distinct = list({part.text: 0 for part in folded.values() if part.text})
        read_answers = self.read(distinct, use, caller)
        blank = ReadAnswer([NO_MATCH] * count, None)
        void_judgement = calibration.void_judgement if calibration else None
        marks = {}
        for text, part in folded.items():
            read = read_answers.get(part.text, blank)
            marks[text] = mark(
                text, part, prepared.sheet, read.matches, read.judgement, void_judgement
            )
        return [marks[text] for text in answers]

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
        (caller or Caller()).wait(self.batcher.submit(sequences, collect))
        return results

    def read_patiently(self, sources: Sequence[str], use: Callable[[Reading], T]) -> dict[str, T]:
        """As `read`, but wait while the queue is full: answers to be scored go first."""
        while True:
            try:
                return self.read(sources, use)
            except Overloaded:
                time.sleep(PATIENCE)

    def _reading(self, source: str, parts: Sequence[tuple[Tokens, Floats]]) -> Reading:
        """The tokens that stand in the text, without prefix and special tokens."""
        offsets = [offset for window, _ in parts for offset in window.offsets]
        kept = [index for index, (start, end) in enumerate(offsets) if end > start]
        vectors = np.concatenate([vectors for _, vectors in parts])[kept]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        ids = [token for window, _ in parts for token in window.ids]
        rarity = self.encoder.rarity([ids[index] for index in kept])
        return Reading(source, [offsets[index] for index in kept], vectors, rarity)

    def prepare(self, question: dict[str, Any]) -> PreparedQuestion:
        """The question with its references read, kept for the next call; raises as `read`.

        Two requests may both miss a question and prepare it twice, since reading under the lock
        would make all others wait. Both come to the same, so that it does not matter which is kept.
        """
        name = orjson.dumps(question)
        with self.lock:
            if prepared := self.questions.get(name):
                self.questions.move_to_end(name)
                return prepared
        prepared = self._prepared(question)
        with self.lock:
            self.questions[name] = prepared
            while len(self.questions) > MAX_QUESTIONS:
                self.questions.popitem(last=False)
        return prepared

    def _prepared(self, question: dict[str, Any]) -> PreparedQuestion:
        references, prompt = reference_texts(question), texts.folded(question["prompt"])
        sources = [text for own in [*references, [prompt]] for text in own if text]
        readings = self.read(list(dict.fromkeys(sources)), lambda reading: reading)
        by_criterion = [[readings[text] for text in own] for own in references]
        rubric = matching.rubric_of(by_criterion, readings.get(prompt))
        return PreparedQuestion(Sheet.of(question), rubric, bool(question["sections"]))


def _check_lengths(folded: Iterable[texts.Folded], most: int) -> None:
    """Raise TooLarge where a folded text has more code points than its question takes."""
    size = max((len(text.text) for text in folded), default=0)
    if size > most:
        raise TooLarge(f"a text has {size} code points; at most {most} at this question")


def _judgement(
    calibration: Calibration | None,
    reading: Reading,
    matches: Sequence[Match],
    prepared: PreparedQuestion,
) -> Judgement | None:
    """What the calibration says of the text; None without one, or where it says nothing."""
    if isinstance(calibration, GeneralCalibration):
        count = len(prepared.sheet.question["criteria"])
        answer_facts = facts(reading, prepared.rubric, count)
        return calibration.judge(reading.text, answer_facts, prepared.sheet)
    return calibration.judge(Text.of(reading, matches)) if calibration else None
