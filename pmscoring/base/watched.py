"""Calls that may hang, each in a thread of its own, so that no request waits long for them."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
FRESH_SECONDS = 0.5


class Watched(Generic[T]):
    """One such call. Callers that ask while it runs, or just after, share its result.

    So a flood of requests runs nothing twice, and a call that hangs holds a single thread.
    """

    def __init__(self, ask: Callable[[], T], fresh_seconds: float = FRESH_SECONDS) -> None:
        self.ask = ask
        self.fresh_seconds = fresh_seconds
        self.lock = Lock()
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="watched")
        self.latest: Future[T] | None = None
        self.ended = 0.0

    def look(self) -> "Future[T]":
        """The call that is running or fresh, or a new one."""
        with self.lock:
            over = self.latest is None or self.latest.done()
            if self.latest is None or (over and time.monotonic() - self.ended > self.fresh_seconds):
                self.latest = self.executor.submit(self._run)
            return self.latest

    def _run(self) -> T:
        try:
            return self.ask()
        finally:
            self.ended = time.monotonic()
