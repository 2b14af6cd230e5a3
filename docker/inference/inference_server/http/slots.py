"""A bound on what runs at once."""

import threading

from inference_server.encoding.batching import Overloaded


class Slots:
    """`count` slots; as a context manager it holds one, or raises Overloaded where none is free.

    Requests take slots in the event loop and in threads of Starlette's pool (a stream's generator
    runs there), and give them back in either. Two that looked at a plain counter could both take
    the last slot; the semaphore looks and takes in one step.
    """

    def __init__(self, count: int) -> None:
        self.free = threading.BoundedSemaphore(count)

    def take(self) -> None:
        """Take a slot without waiting for one; raise Overloaded."""
        if not self.free.acquire(blocking=False):
            raise Overloaded("too many requests are being scored")

    def give_back(self) -> None:
        """Give back a slot that was taken, from any thread."""
        self.free.release()

    def __enter__(self) -> None:
        self.take()

    def __exit__(self, *_: object) -> None:
        self.give_back()
