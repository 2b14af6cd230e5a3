"""Counts how often a part dies; too many in a minute end the installation."""

import re
import time
from collections import defaultdict, deque
from pathlib import Path

from pmscoring.embedded.terminal import Follower

FROM_DEATHS = 5
WITHIN_SECONDS = 60.0
# A line of supervisord's log: "… INFO stopped: worker (exit status 0)", or "exited: worker (…".
ENDING = re.compile(r"\b(stopped|exited): (\S+) \(")


class Deaths:
    """The recent deaths of each part, known by the moments at which it last ended.

    The console stops and restarts parts on purpose, which is no death. Only supervisord's log says
    which it was: in the part's state nothing of it is left once the part has been started again.
    """

    def __init__(self, log: Path) -> None:
        self.log = Follower(log)
        self.endings: dict[str, str] = {}
        self.ends: dict[str, int] = {}
        self.recent: dict[str, deque[float]] = defaultdict(deque)

    def ending(self, name: str, at: int) -> str:
        """How the part ended at `at` (seconds; 0: never): "exited", or "stopped" on purpose.

        Empty where this end was known before. An end of which the log has no line is a death.
        """
        if at == self.ends.get(name, 0):
            return ""
        self.ends[name] = at
        # supervisord writes the line before it tells anybody of the end.
        self._read()
        ending = self.endings.get(name, "exited")
        if ending == "exited":
            self.recent[name].append(time.monotonic())
        return ending

    def too_many(self, name: str) -> bool:
        """Whether the part has died five times in the last minute."""
        recent = self.recent[name]
        while recent and recent[0] < time.monotonic() - WITHIN_SECONDS:
            recent.popleft()
        return len(recent) >= FROM_DEATHS

    def _read(self) -> None:
        for line in self.log.lines():
            if ending := ENDING.search(line):
                self.endings[ending[2]] = ending[1]
