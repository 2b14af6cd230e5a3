"""Callers wait for the encoder, and may leave before it is done."""

import threading
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

T = TypeVar("T")


class Gone(Exception):
    """The caller has left; nobody waits for the result."""


class Caller:
    """Waits in one thread for futures of the batcher; `leave` is called from another.

    Either `wait` sees that the caller has left, or `leave` sees the future: both hold the lock.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.has_left = False
        self.future: Future[Any] | None = None

    def wait(self, future: "Future[T]") -> T:
        """The future's result; raise Gone, and cancel the future, once the caller has left."""
        with self.lock:
            self.future = future
            if self.has_left:
                future.cancel()
        try:
            return future.result()
        except CancelledError as error:
            raise Gone from error

    def leave(self) -> None:
        """Nobody waits any longer."""
        with self.lock:
            self.has_left = True
            if self.future:
                self.future.cancel()
