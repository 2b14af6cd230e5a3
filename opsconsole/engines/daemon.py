"""The Docker Engine's API: one connection, short patience, and its errors as those of the port."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from http.client import HTTPException
from queue import Empty, Queue
from typing import Any, TypeVar

import requests
import urllib3
from django.utils.translation import gettext as _
from docker.api.client import APIClient
from docker.errors import APIError, DockerException, NotFound

from opsconsole.engines.base import EngineAway, EngineError
from pmscoring.base.progress import Alive
from pmscoring.base.redaction import redacted

LOOK_SECONDS = 4.0
"""Within them the engine must answer a question; it may then take longer for a deed."""
DEED_SECONDS = 120.0
AT_ONCE = 16
ALIVE_SECONDS = 1.0
AWAY = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
T = TypeVar("T")
R = TypeVar("R")


class Gone(EngineError):
    """The engine has no such object, or no longer."""


@contextmanager
def in_words_of_the_port() -> Iterator[None]:
    """Raise what the engine's client raises as Gone, EngineError or EngineAway."""
    try:
        yield
    except NotFound as error:
        raise Gone(_says(error)) from error
    except APIError as error:
        raise EngineError(_says(error)) from error
    except (DockerException, *AWAY) as error:
        raise EngineAway(_("The engine does not answer: {why}").format(why=_why(error))) from error


def _says(error: APIError) -> str:
    return redacted(str(error.explanation or error).strip())


def _why(error: BaseException) -> str:
    """What lies at the bottom of errors in errors in errors."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError | requests.Timeout):
        return _("not within {seconds:g} s").format(seconds=LOOK_SECONDS)
    says = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return redacted(says or type(error).__name__)


class Daemon:
    """Two clients: `api` for questions, and `slow_api` for what takes its time."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    @cached_property
    def api(self) -> Any:
        """Answers within LOOK_SECONDS or raises; the version of the API is negotiated."""
        return self._client(LOOK_SECONDS)

    @cached_property
    def slow_api(self) -> Any:
        """Waits DEED_SECONDS for an answer."""
        self.ask(lambda: self.api.ping())  # An engine that is away is known at once.
        return self._client(DEED_SECONDS)

    def _client(self, seconds: float) -> Any:
        with in_words_of_the_port():
            return APIClient(
                base_url=self.socket, version="auto", timeout=seconds, max_pool_size=AT_ONCE
            )

    def ask(self, question: Callable[[], T]) -> T:
        """What the engine answers; raises EngineAway, Gone or EngineError."""
        with in_words_of_the_port():
            return question()


def in_parallel(deed: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The deed on all items at once, a thread each; raises what the first of them raised."""
    items = list(items)
    if not items:
        return []
    with ThreadPoolExecutor(min(len(items), AT_ONCE)) as threads:
        return list(threads.map(deed, items))


def meanwhile(
    iterate: Callable[[], Iterable[T]], alive: Alive, *, every: float = ALIVE_SECONDS
) -> Iterator[T]:
    """The items of an iterator that blocks, read by a thread, so that `alive` is called meanwhile.

    What `alive` raises leaves the thread behind, until the engine ends the stream.
    """
    items: Queue[tuple[bool, Any]] = Queue()

    def read() -> None:
        try:
            with in_words_of_the_port():
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
            alive()
            continue
        if not goes_on:
            if item is not None:
                raise item
            return
        yield item
        alive()
