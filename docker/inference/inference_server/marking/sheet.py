"""A question prepared for marking: what its rules compare answers with, folded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Self

from inference_server.marking.copying import Sources
from inference_server.marking.no_answer import NoAnswers
from inference_server.marking.points import on_step
from inference_server.marking.stuffing import LETTER, KeywordRows, is_long_enough, may_be_listed
from pmscoring.base import texts


@dataclass(frozen=True)
class Sheet:
    """A question as the caller sent it, with what its rules compare answers with prepared.

    `keywords` has those of each criterion, folded in lower case, and `keyword_rows` knows texts
    that are keywords alone. `takes_lists` is whether a reference or model answer is a term or a
    list, so that a row of words may be what is asked for; `names_answers` whether there is any of
    these, and not labels alone.
    """

    question: dict[str, Any]
    keywords: Sequence[Sequence[str]]
    model_answers: frozenset[str]
    sources: Sources
    no_answers: NoAnswers
    keyword_rows: KeywordRows
    takes_lists: bool
    names_answers: bool

    @classmethod
    def of(cls, question: dict[str, Any]) -> Self:
        """The sheet of a question."""
        keywords = [
            [word for word in map(_lowered, criterion["keywords"]) if word]
            for criterion in question["criteria"]
        ]
        model_answers = frozenset(map(texts.folded, question["model_answers"]))
        references = {text for own in reference_texts(question) for text in own} | model_answers
        right = references.union(*keywords)
        # A label may name a topic in a keyword, and is no answer.
        answers = {
            texts.folded(text)
            for criterion in question["criteria"]
            for text in criterion["references"]
        }
        return cls(
            question,
            keywords,
            model_answers,
            Sources.of(question, references, chain.from_iterable(keywords)),
            NoAnswers.of(question.get("no_answers", ()), right),
            KeywordRows.of(chain.from_iterable(keywords), answers | model_answers),
            any(
                map(partial(may_be_listed, language=question["language"]), answers | model_answers)
            ),
            bool(answers | model_answers),
        )

    @property
    def max_points(self) -> float:
        """The most points that are on the question's step."""
        return on_step(self.question["max_points"], self.question["step"])


def reference_texts(question: dict[str, Any]) -> list[list[str]]:
    """The folded texts that would meet each criterion: its references, and its label at the end.

    Without references the model answers, which meet every criterion, stand in for them.
    """
    return [
        [
            text
            for text in (
                *map(texts.folded, criterion["references"] or question["model_answers"]),
                answering_label(criterion, question),
            )
            if text
        ]
        for criterion in question["criteria"]
    ]


def answering_label(criterion: Mapping[str, Any], question: Mapping[str, Any]) -> str:
    """The folded label where it may say what a right answer says; else an empty text.

    A short one names a topic (原因, "A"), which wrong answers name too: it counts only where
    nothing else tells what is right, and never without a letter or digit.
    """
    label = texts.folded(criterion["label"])
    others = criterion["references"] or question["model_answers"] or criterion["keywords"]
    is_counted = is_long_enough(label) if others else LETTER.search(label)
    return label if is_counted else ""


def _lowered(text: str) -> str:
    return texts.folded(text).lower()
