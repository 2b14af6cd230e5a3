"""A question prepared for marking: what its rules compare answers with, folded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import regex

from inference_server.marking.points import on_step
from pmscoring.base import texts

WORD = regex.compile(r"\w+")
GRAM = 2
"""Characters of the n-grams by which a copy of the prompt is known."""


@dataclass(frozen=True)
class Sheet:
    """A question as the caller sent it, with its keywords, model answers and prompt prepared.

    `keywords` has those of each criterion, folded in lower case; `prompt` the prompt's n-grams.
    """

    question: dict[str, Any]
    keywords: Sequence[Sequence[str]]
    model_answers: frozenset[str]
    prompt: frozenset[str]

    @classmethod
    def of(cls, question: dict[str, Any]) -> Self:
        """The sheet of a question."""
        keywords = [
            [word for word in map(_lowered, criterion["keywords"]) if word]
            for criterion in question["criteria"]
        ]
        model_answers = frozenset(map(texts.folded, question["model_answers"]))
        return cls(question, keywords, model_answers, ngrams(texts.folded(question["prompt"])))

    @property
    def max_points(self) -> float:
        """The most points that are on the question's step."""
        return on_step(self.question["max_points"], self.question["step"])


def reference_texts(question: dict[str, Any]) -> list[list[str]]:
    """The folded texts that would meet each criterion: its references and its label.

    Without references the model answers, which meet every criterion, stand in for them.
    """
    return [
        [
            text
            for text in map(
                texts.folded,
                [*(criterion["references"] or question["model_answers"]), criterion["label"]],
            )
            if text
        ]
        for criterion in question["criteria"]
    ]


def ngrams(text: str) -> frozenset[str]:
    """The n-grams of a text's letters and digits, in lower case."""
    joined = "".join(WORD.findall(text.lower()))
    return frozenset(joined[i : i + GRAM] for i in range(max(len(joined) - GRAM + 1, 0)))


def _lowered(text: str) -> str:
    return texts.folded(text).lower()
