"""The Docker Engine's API: one connection, short patience, and its errors as those of the port."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, TypeVar

import requests
import urllib3
from django.utils.translation import gettext as _
from docker.api.client import APIClient
from docker.errors import APIError, DockerException, NotFound

from opsconsole.engines.base import EngineAway, EngineError
from opsconsole.engines.meanwhile import WAITING_AT_ONCE
from pmscoring.base.redaction import redacted

LOOK_SECONDS = 4.0
"""Within them the engine must answer a question; it may then take longer for a deed."""
PATIENT_SECONDS = 20.0
"""The same for who would undo its work for an engine that is only busy."""
DEED_SECONDS = 120.0
LIMIT = re.compile(r"timeout=([0-9.]+)")
"""The client's own, in its error."""
AWAY = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
T = TypeVar("T")


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
    says = [str(error)]
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
        says.append(str(error))
    if isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError | requests.Timeout):
        limit = LIMIT.search("\n".join(says))
        seconds = float(limit[1]) if limit else LOOK_SECONDS
        return _("not within {seconds:g} s").format(seconds=seconds)
    last = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return redacted(last or type(error).__name__)


class Daemon:
    """Two clients: `api` for questions, and `slow_api` for what takes its time.

    `patience`: the seconds within which the engine must answer a question, or is away.
    """

    def __init__(self, socket: str, patience: float = LOOK_SECONDS) -> None:
        self.socket, self.patience = socket, patience
        self._clients: dict[float, Any] = {}

    @property
    def api(self) -> Any:
        """Answers within `patience` seconds or raises; the version of the API is negotiated."""
        return self._clients.get(self.patience) or self._client(self.patience)

    @property
    def slow_api(self) -> Any:
        """Waits DEED_SECONDS for an answer."""
        if DEED_SECONDS not in self._clients:
            self.ask(self.api.ping)  # An engine that is away is known at once.
        return self._clients.get(DEED_SECONDS) or self._client(DEED_SECONDS)

    def _client(self, seconds: float) -> Any:
        with in_words_of_the_port():
            client = APIClient(
                base_url=self.socket,
                version="auto",
                timeout=seconds,
                # Connections are made when they are needed; a thread that lacks one logs so.
                max_pool_size=WAITING_AT_ONCE,
            )
        self._clients[seconds] = client
        return client

    def ask(self, question: Callable[[], T]) -> T:
        """What the engine answers; raises EngineAway, Gone or EngineError."""
        with in_words_of_the_port():
            return question()

    def stream(self, question: Callable[[], Iterable[T]]) -> Iterator[T]:
        """What the engine answers bit by bit; raises the same errors."""
        with in_words_of_the_port():
            yield from question()
