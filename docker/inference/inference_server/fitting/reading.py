"""Reads the texts of examples in parts, between which answers to be scored have their turn."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from inference_server.marking.matching import Reading
from inference_server.scorer import Scorer

PART = 64
"""Texts of a part."""
T = TypeVar("T")


def read_in_parts(
    scorer: Scorer,
    texts: Sequence[str],
    use: Callable[[Reading], T],
    say: Callable[[float], None] = lambda _fraction: None,
) -> dict[str, T]:
    """What `use` makes of each distinct folded text.

    `say` is called before each part with the share that is done, and may raise to stop.
    """
    distinct = list(dict.fromkeys(texts))
    results: dict[str, T] = {}
    for start in range(0, len(distinct), PART):
        say(start / len(distinct))
        results |= scorer.read_patiently(distinct[start : start + PART], use)
    return results
