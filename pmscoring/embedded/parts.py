"""One part of the installation, and how to know that it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from celery import Celery


def always() -> bool:
    """For a part that listens on no port: it is up as soon as it runs."""
    return True


@dataclass(frozen=True)
class Part:
    """A foreground process: its command line, its account and what shows that it answers.

    Parts start in the order of their list; of two, the one of the higher `rank` stops first. What
    stands by is started by the console alone, when it scales.
    """

    name: str
    argv: list[str]
    rank: int
    answers: Callable[[], bool] = always
    user: str | None = None
    directory: Path = Path("/")
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    starting_seconds: float = 60.0
    environment: dict[str, str] = field(default_factory=dict)
    standby: bool = False
    check: str = ""
    """The address by which the console sees its health: http://…, or tcp://… that takes calls."""


@dataclass(frozen=True)
class Step:
    """Work between two parts that must succeed before the next one starts.

    Its output goes to a log, or to the terminal alone where it shows a secret.
    """

    name: str
    argv: list[str]
    directory: Path
    on_terminal: bool = False


def answers_http(url: str) -> bool:
    """Whether a GET of the URL succeeds."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def worker_answers(broker: str, node: str) -> bool:
    """Whether the Celery worker of this node name answers a ping."""
    with Celery(broker=broker, set_as_current=False) as celery:
        try:
            return bool(celery.control.ping(destination=[node], timeout=1.0))
        except celery.connection().connection_errors:
            return False
