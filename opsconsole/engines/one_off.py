"""A command in a container of its own: its output line by line, its end, its limit."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from opsconsole.engines.base import Finished, Say
from opsconsole.engines.containers import (
    MOST_OUTPUT,
    SAID_LINES,
    Containers,
    bounded_output,
    too_long,
)
from opsconsole.engines.daemon import Daemon
from opsconsole.engines.meanwhile import ALIVE_SECONDS, meanwhile
from opsconsole.engines.parsing import Document, moment
from pmscoring.base.progress import Alive
from pmscoring.base.redaction import redacted

KEPT = timedelta(hours=1)
"""How long a container that has ended is left for people to read its log."""


def follow(
    containers: Containers,
    container: str,
    argv: Sequence[str],
    *,
    timeout: timedelta,
    say: Say,
    alive: Alive,
) -> Finished:
    """Say what it writes until it has ended; then, or when it must not go on, remove it."""
    watch = limited(argv, timeout, alive)
    lines: deque[str] = deque(maxlen=SAID_LINES)
    try:
        for line in _lines(meanwhile(lambda: _log(containers.daemon, container), watch)):
            say(line)
            lines.append(line)
        exit_code = _ended(containers, container, watch)
    finally:
        containers.remove([container])
    return Finished(exit_code, bounded_output("\n".join(lines)))


def _log(daemon: Daemon, container: str) -> Iterator[bytes]:
    return daemon.stream(lambda: daemon.slow_api.logs(container, stream=True, follow=True))


def limited(argv: Sequence[str], timeout: timedelta, alive: Alive) -> Callable[[], None]:
    """Raises what `alive` raises, and EngineError when the time is over."""
    end = time.monotonic() + timeout.total_seconds()

    def watch() -> None:
        alive()
        if time.monotonic() > end:
            raise too_long(argv, timeout.total_seconds())

    return watch


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines, redacted. One may be a document: it is cut no earlier than the whole output."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from map(_line, whole)
    if rest:
        yield _line(rest)


def _line(text: bytes) -> str:
    return redacted(text.decode("utf-8", "replace").rstrip("\r"))[:MOST_OUTPUT]


def _ended(containers: Containers, container: str, watch: Callable[[], None]) -> int:
    """Its exit status. The stream of its log may have broken off before its end."""
    while True:
        state = containers.one(container)["State"]
        if not state["Running"] and state["Status"] != "created":
            return int(state["ExitCode"])
        watch()
        time.sleep(ALIVE_SECONDS / 4)


def sweep(containers: Containers, ended: Iterable[Document]) -> None:
    """Remove what was left by processes that were killed, or to be read."""
    late = datetime.now(UTC) - KEPT
    old = (one["Id"] for one in ended if (moment(one["State"]["FinishedAt"]) or late) < late)
    containers.remove(list(old))
