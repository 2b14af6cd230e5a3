"""The product's own reading and marking, on an encoder of any device, over the kit's texts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from inference_server.arrays import Floats
from inference_server.encoding.batching import Batcher
from inference_server.marking import matching
from inference_server.marking.matching import Match, Reading, Rubric
from inference_server.marking.order import Heads
from inference_server.marking.points import by_strength
from inference_server.reading import EncoderLike, TextReader

NO_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class Question:
    """A question with what is compared with answers, folded already."""

    question: dict[str, Any]
    references: list[list[str]]
    prompt: str
    keywords: list[list[str]]
    model_answers: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """A folded text, and its question's index."""

    question: int
    text: str


@dataclass(frozen=True)
class Kit:
    """What `tests.gpu.kit` wrote: `folder` has the weights."""

    folder: Path
    questions: list[Question]
    answers: list[Answer]

    def some(self, most: int) -> list[Answer]:
        """So many of the answers, of all questions."""
        step = max(len(self.answers) // most, 1)
        return self.answers[::step][:most]

    def short(self, answers: Sequence[Answer]) -> list[Answer]:
        """Those of the answers that are no essays."""
        return [each for each in answers if not self.questions[each.question].question["sections"]]


@dataclass(frozen=True)
class Marked:
    """Token vectors [tokens, width] of unit length, strengths and points by criterion.

    `order` is by how much the order of its words exceeds each threshold.
    """

    vectors: Floats
    strengths: list[float]
    points: list[float]
    order: list[float]


class Encoding(EncoderLike, Protocol):
    """An encoder with its pass over sequences of token ids."""

    def forward(self, sequences: Sequence[Sequence[int]]) -> list[Floats]: ...


class Machine:
    """Reads in packs of so many tokens; one token a pack reads each text alone."""

    def __init__(self, encoder: Encoding, kit: Kit, pack_tokens: int) -> None:
        self.kit = kit
        self.batcher = Batcher(encoder.forward, pack_tokens, NO_LIMIT)
        self.reader = TextReader(encoder, self.batcher, NO_LIMIT)
        self.heads = Heads.load().suited_to(encoder.middle)
        self.rubrics: dict[int, Rubric] = {}

    def mark(self, answers: Sequence[Answer]) -> list[Marked]:
        """The mark of each answer."""
        for question in {answer.question for answer in answers}:
            self._prepare(question)
        readings = self.reader.read(
            list(dict.fromkeys(answer.text for answer in answers)), lambda reading: reading
        )
        return [self._marked(answer, readings[answer.text]) for answer in answers]

    def points(self, question: int, texts: Sequence[str]) -> dict[str, list[float]]:
        """The points of different texts, as a request is served: nothing else is kept."""
        self._prepare(question)
        return self.reader.read(
            texts, lambda reading: self._marked(Answer(question, reading.text), reading).points
        )

    def close(self) -> None:
        """End the encoder's thread."""
        self.batcher.close()

    def _prepare(self, index: int) -> None:
        """Read the question's references, once."""
        if index in self.rubrics:
            return
        question = self.kit.questions[index]
        sources = [*chain(*question.references), question.prompt]
        readings = self.reader.read(list(dict.fromkeys(sources)), lambda reading: reading)
        references = [[readings[text] for text in own] for own in question.references]
        self.rubrics[index] = matching.rubric_of(references, readings[question.prompt])

    def _marked(self, answer: Answer, reading: Reading) -> Marked:
        question = self.kit.questions[answer.question]
        matches: list[Match] = matching.matches(
            reading,
            self.rubrics[answer.question],
            len(question.question["criteria"]),
            average=bool(question.question["sections"]),
        )
        points = by_strength(answer.text, question, matches)
        order = list(self.heads.excess(reading).values()) if self.heads else []
        return Marked(reading.vectors, [match.strength for match in matches], points, order)


def load(folder: Path) -> Kit:
    """The kit of the folder."""
    content = json.loads((folder / "texts.json").read_text("utf-8"))
    questions = [
        Question(**{**each, "model_answers": frozenset(each["model_answers"])})
        for each in content["questions"]
    ]
    return Kit(folder, questions, [Answer(*each) for each in content["answers"]])
