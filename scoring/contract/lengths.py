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
