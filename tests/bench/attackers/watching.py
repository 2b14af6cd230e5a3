"""What all others notice meanwhile: how soon the site answers, and what it takes."""

import threading
import time
from types import TracebackType
from typing import Self

import httpx
import psutil

EVERY, PATIENCE = 0.1, 30.0


class Watch:
    """Asks `/health/live` ten times a second, each time over a connection of its own."""

    def __init__(self, address: str) -> None:
        self.address, self.seconds = f"{address}/health/live", [0.0]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    @property
    def worst(self) -> float:
        """The longest time that the answer took; `PATIENCE` where none came."""
        return max(self.seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                httpx.get(self.address, timeout=PATIENCE, trust_env=False).raise_for_status()
                self.seconds.append(time.monotonic() - began)
            except httpx.HTTPError:
                self.seconds.append(PATIENCE)
            self._ended.wait(EVERY)


def resident(pid: int) -> int:
    """Bytes of memory that a process and its children hold."""
    process = psutil.Process(pid)
    return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
