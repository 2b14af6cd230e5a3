"""Counts how often a part dies; too many in a minute end the installation."""

import time
from collections import defaultdict, deque

FROM_DEATHS = 5
WITHIN_SECONDS = 60.0


class Deaths:
    """The recent deaths of each part, known by the moments at which it last ended."""

    def __init__(self) -> None:
        self.ends: dict[str, int] = {}
        self.recent: dict[str, deque[float]] = defaultdict(deque)

    def seen(self, name: str, end: int) -> bool:
        """Whether `end` (seconds; 0: never) is a death that was not seen before."""
        if end == self.ends.get(name, 0):
            return False
        self.ends[name] = end
        self.recent[name].append(time.monotonic())
        return True

    def too_many(self, name: str) -> bool:
        """Whether the part has died five times in the last minute."""
        recent = self.recent[name]
        while recent and recent[0] < time.monotonic() - WITHIN_SECONDS:
            recent.popleft()
        return len(recent) >= FROM_DEATHS
