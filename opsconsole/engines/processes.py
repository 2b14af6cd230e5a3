"""Processes of this machine as replicas: their usage, their logs, their health."""

import http.client
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from opsconsole.engines.base import MOST_LINES, Counted, Happening, Usage
from opsconsole.engines.containers import MOST_CHARACTERS
from pmscoring.base.redaction import redacted

TAIL_BYTES = 2 * 1024 * 1024
"""As much of a log is read, from its end."""
CHECK_SECONDS = 3.0
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))?(Z|[+-]\d\d:?\d\d)?")
TOLD = (
    (re.compile(r"spawned: '(?P<name>[^']+)' with pid"), "started"),
    (re.compile(r"exited: (?P<name>\S+) \((?P<says>.*)\)"), "died"),
    (re.compile(r"stopped: (?P<name>\S+) \((?P<says>.*)\)"), "stopped"),
    (re.compile(r"gave up: (?P<name>\S+) entered FATAL state, (?P<says>.*)"), "gave up"),
)
"""Lines of supervisord's log, and what they mean."""
BEGAN = "supervisord started with pid"


def usage(pid: int, earlier: Counted | None) -> Usage:
    """Of a process with its children, with what was counted before.

    Totals go back where a child has ended and taken its seconds along.
    """
    cpus, seconds, memory, at = psutil.cpu_count() or 1, 0.0, 0, time.monotonic()
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return Usage(None, None)
    for process in family:
        try:
            times = process.cpu_times()
            seconds += times.user + times.system
            memory += _memory(process)
        except psutil.Error:
            continue
    now = Counted(seconds, at * cpus, cpus=cpus)
    cores = now.cores_since(earlier) if earlier else None
    return Usage(cores, memory or None, counted=now)


def _memory(process: psutil.Process) -> int:
    """Its share: of pages that several processes have, each is counted a part of."""
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)


def lines(path: Path, tail: int, since: datetime | None) -> Iterator[tuple[datetime, str]]:
    """The last lines of a log, redacted."""
    found = [(at, line) for at, line in timed(path) if since is None or at >= since]
    count = min(max(tail, 0), MOST_LINES)
    for at, line in found[-count:] if count else []:
        yield at, redacted(line)[:MOST_CHARACTERS]


def timed(path: Path) -> Iterator[tuple[datetime, str]]:
    """The lines at the end of a log; none where there is no log.

    A line without a time of its own has that of the line before it; where no line has one, all have
    that of the file.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace").splitlines()
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return
    times = [_time(line) for line in text]
    at = next(filter(None, times), at)
    for own, line in zip(times, text, strict=True):
        at = own or at
        yield at, line


def _time(line: str) -> datetime | None:
    match = TIME.search(line[:200])
    if not match:
        return None
    day, clock, fraction, zone = match.groups()
    text = f"{day}T{clock}.{(fraction or '0').ljust(6, '0')}{(zone or '').replace('Z', '+00:00')}"
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # Digits that look like a time and are none.
        return None


def happenings(log: Path) -> list[Happening]:
    """What supervisord's log tells of programs."""
    found = (_happening(at, line) for at, line in timed(log))
    return [happening for happening in found if happening]


def _happening(at: datetime, line: str) -> Happening | None:
    for pattern, what in TOLD:
        if match := pattern.search(line):
            parts = match.groupdict()
            name = parts["name"]
            return Happening(at, service_of(name), name, what, redacted(parts.get("says") or ""))
    return None


def deaths(log: Path) -> dict[str, int]:
    """How often each program ended unasked since supervisord began, as far as its log goes back."""
    counts: dict[str, int] = {}
    for at, line in timed(log):
        if BEGAN in line:
            counts.clear()
        elif (happening := _happening(at, line)) and happening.what == "died":
            counts[happening.replica] = counts.get(happening.replica, 0) + 1
    return counts


def service_of(program: str) -> str:
    """`worker` of `worker-2`; every other program is a service of its own."""
    base, _dash, number = program.rpartition("-")
    return base if base and number.isdecimal() else program


def answers(check: str) -> str:
    """Why the address of a check does not answer; empty where it does. http:// or tcp://."""
    url = urlsplit(check)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    try:
        if url.scheme == "tcp":
            socket.create_connection((host, port), CHECK_SECONDS).close()
            return ""
        connection = http.client.HTTPConnection(host, port, timeout=CHECK_SECONDS)
        connection.request("GET", url.path or "/")
        status = connection.getresponse().status
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    return "" if status < 400 else f"HTTP {status}"


def kill(pid: int) -> None:
    """Kill a process and all that it has started; 0 is none."""
    if not pid:
        return
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for process in (leader, *leader.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
