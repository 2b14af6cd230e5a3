"""Texts that are too long to be scored at their question, as people are told."""

from typing import Any

from pmscoring.base import lengths
from pmscoring.base.words import words as _


def too_long(text: str, question: dict[str, Any]) -> str | None:
    """Why the text is not scored at the question, which is as on the wire; None where it is."""
    most = lengths.longest(question)
    if (size := lengths.size(text, most)) <= most:
        return None
    return _("the text has %(size)d code points; this question takes at most %(most)d") % {
        "size": size,
        "most": most,
    }


MOST_OF_QUESTION = 200_000
"""Code points of all texts of a question, which are read and sent with every batch of answers."""


def question_too_long(question: dict[str, Any]) -> str | None:
    """Why the question, as in a definition or on the wire, takes too much room; None if not.

    The schema bounds each text and their number, but not what all of them come to.
    """
    if (size := _code_points(question)) <= MOST_OF_QUESTION:
        return None
    return _(
        "prompt, passage, criteria and model answers have %(size)d code points together; a"
        " question takes at most %(most)d"
    ) % {"size": size, "most": MOST_OF_QUESTION}


def _code_points(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_code_points, value.values()))
    if isinstance(value, list):
        return sum(map(_code_points, value))
    return len(value) if isinstance(value, str) else 0
