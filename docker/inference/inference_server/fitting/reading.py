"""Texts of a calibration are read in parts, and answers to be scored go before them."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from inference_server.encoding.batching import Overloaded
from inference_server.marking.matching import Reading
from inference_server.scorer import Scorer

AT_ONCE = 64
"""Texts that are read at once; in between others have their turn."""
PATIENCE = 0.2
T = TypeVar("T")


def read(
    scorer: Scorer,
    sources: Sequence[str],
    use: Callable[[Reading], T],
    say: Callable[[float], None] = lambda _fraction: None,
) -> dict[str, T]:
    """What `use` makes of each distinct folded text; `say` is told the share that is done."""
    distinct = list(dict.fromkeys(sources))
    found: dict[str, T] = {}
    for start in range(0, len(distinct), AT_ONCE):
        say(start / len(distinct))
        found |= _patiently(scorer, distinct[start : start + AT_ONCE], use)
    return found


def _patiently(scorer: Scorer, sources: list[str], use: Callable[[Reading], T]) -> dict[str, T]:
    """Where the queue is full, answers to be scored go first."""
    while True:
        try:
            return scorer.read(sources, use)
        except Overloaded:
            time.sleep(PATIENCE)
