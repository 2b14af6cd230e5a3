"""Several things at once: questions to an engine, and signs of life while it works."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from queue import Empty, Queue
from typing import Any, TypeVar

from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import Alive

log = logging.getLogger(__name__)
AT_ONCE = 16
"""The most threads."""
WAITING_AT_ONCE = 128
"""The most threads of which each only waits for the engine."""
ALIVE_SECONDS = 1.0
T = TypeVar("T")
R = TypeVar("R")


def in_parallel(deed: Callable[[T], R], items: Iterable[T], *, at_once: int = AT_ONCE) -> list[R]:
    """The deed on all items, so many at once; raises what the first of them raised."""
    items = list(items)
    if not items:
        return []
    with ThreadPoolExecutor(min(len(items), at_once)) as threads:
        return list(threads.map(deed, items))


def meanwhile(
    iterate: Callable[[], Iterable[T]], alive: Alive, *, every: float = ALIVE_SECONDS
) -> Iterator[T]:
    """The items of an iterator that blocks, read by a thread, so that `alive` is called meanwhile.

    What `alive` raises leaves the thread behind, until the engine ends the stream.
    """
    items: Queue[tuple[bool, Any]] = Queue()
    beat = paced(alive, every)

    def read() -> None:
        try:
            for item in iterate():
                items.put((True, item))
            items.put((False, None))
        except BaseException as error:  # noqa: BLE001 - raised in the other thread
            items.put((False, error))

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            goes_on, item = items.get(timeout=every)
        except Empty:
            beat()
            continue
        if not goes_on:
            if item is not None:
                raise item
            return
        yield item
        beat()


def patiently(deed: Callable[[], object], alive: Alive) -> None:
    """Do it to its end in a thread, calling `alive` meanwhile; what that raised is raised then."""
    refusal: BaseException | None = None
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(deed)
        while not future.done():
            wait([future], ALIVE_SECONDS)
            try:
                alive()
            except Exception as error:  # noqa: BLE001 - raised below
                refusal = refusal or error
        future.result()
    if refusal:
        raise refusal


def undeterred(alive: Alive) -> Alive:
    """Calls `alive` for its sign of life; of what it raises only WrongState stops what is undone.

    That another one drives by now is the one thing that does: what is there is the other one's.
    """

    def beat() -> None:
        try:
            alive()
        except WrongState:
            raise
        except Exception as error:  # noqa: BLE001 - it cannot stop what is undone
            log.info("undone all the same: %s", error)

    return beat


def paced(alive: Alive, seconds: float = ALIVE_SECONDS) -> Alive:
    """Calls `alive` no more often than every so many seconds, however often it is called."""
    last = -seconds

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            alive()

    return beat
