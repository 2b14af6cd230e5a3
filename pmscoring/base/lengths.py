"""How long a text may be, for both services: reading one takes time that grows with its length."""

from collections.abc import Mapping
from typing import Any

from pmscoring.base.folding import folded

ROOM = 4
"""A text may be so many times as long as its question allows: it is flagged, or cut, or void."""
FEWEST, UNLIMITED, MOST = 2_000, 20_000, 50_000
"""Code points that every question takes, that one without a limit takes, and that none exceeds."""


def longest(question: Mapping[str, Any]) -> int:
    """The most code points of a text, as submitted and folded, that the question takes.

    `question` is as on the wire. Folding may lengthen a text: U+FDFA becomes 18 code points.
    """
    limits = question["limits"]
    most = limits["max"] or _of_sections(question)
    if most is None:
        return min(max(UNLIMITED, ROOM * (limits["min"] or 0)), MOST)
    return min(max(FEWEST, ROOM * most), MOST)


def _of_sections(question: Mapping[str, Any]) -> int | None:
    """What all the sections allow together, or None where one of them has no limit."""
    bounds = [section["limits"]["max"] for section in question.get("sections") or []]
    return sum(bounds) if bounds and all(bounds) else None


def size(text: str, most: int = MOST) -> int:
    """The code points of the text, or of its folded form where that has more.

    A text of more than `most` is not folded.
    """
    return len(text) if len(text) > most else max(len(text), len(folded(text)))
