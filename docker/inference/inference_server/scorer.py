"""Scoring as one call: fold, tokenise, encode each distinct text once, match, judge, mark."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from inference_server.encoding.batching import Batcher, TooLarge
from inference_server.encoding.callers import Caller
from inference_server.judging.artefacts import Calibration
from inference_server.judging.facts import facts
from inference_server.judging.general import GeneralCalibration
from inference_server.judging.texts import Text
from inference_server.marking import matching
from inference_server.marking.judgement import Judgement
from inference_server.marking.marks import mark
from inference_server.marking.matching import NO_MATCH, Match, Reading, Rubric
from inference_server.marking.order import Heads
from inference_server.marking.polarity.check import Check
from inference_server.marking.polarity.comparing import Doubt
from inference_server.marking.sheet import Sheet, reference_texts
from inference_server.reading import EncoderLike, TextReader
from pmscoring.base import lengths, texts

MAX_QUESTIONS = 200
"""Questions that are kept prepared."""


@dataclass(frozen=True)
class PreparedQuestion:
    """What is kept of a question: its rules, its references as the encoder read them.

    An essay has no `check`: its references are points to mention.
    """

    sheet: Sheet
    rubric: Rubric
    check: Check | None

    @property
    def is_essay(self) -> bool:
        """Whether it has sections."""
        return bool(self.sheet.question["sections"])


@dataclass(frozen=True)
class ReadAnswer:
    """What came of reading an answer.

    `doubts` are by the criterion's index, `disorder` the flags that its word order earns.
    """

    matches: Sequence[Match]
    doubts: Mapping[int, Doubt]
    judgement: Judgement | None
    disorder: Sequence[str] = ()


class Scorer(TextReader):
    """Scores lists of answers; keeps what it knows of questions, never of answers."""

    def __init__(self, encoder: EncoderLike, batcher: Batcher, max_tokens: int) -> None:
        """`max_tokens` bounds the tokens of one call."""
        super().__init__(encoder, batcher, max_tokens)
        self.heads = Heads.load().suited_to(encoder.middle)
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
            doubts = prepared.check.doubts(reading, matches) if prepared.check else {}
            judgement = _judgement(calibration, reading, matches, prepared)
            return ReadAnswer(matches, doubts, judgement, self.disorder(reading))

        distinct = list({part.text: 0 for part in folded.values() if part.text})
        read_answers = self.read(distinct, use, caller)
        blank = ReadAnswer([NO_MATCH] * count, {}, None)
        void_judgement = calibration.void_judgement if calibration else None
        marks = {}
        for text, part in folded.items():
            read = read_answers.get(part.text, blank)
            marks[text] = mark(
                text,
                part,
                prepared.sheet,
                read.matches,
                read.judgement,
                void_judgement,
                read.doubts,
                read.disorder,
            )
        return [marks[text] for text in answers]

    def disorder(self, reading: Reading) -> Sequence[str]:
        """The flags that the order of the text's words would earn were it long enough."""
        return self.heads.flags(reading) if self.heads else ()

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
        check = None if question["sections"] else Check.of(question, by_criterion)
        return PreparedQuestion(Sheet.of(question), rubric, check)


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
