"""Processes that a killed supervisor left behind.

They are known by process id and start time together: the kernel gives the id of a process that has
ended to another one, and after a restart of the machine begins to count anew.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pmscoring.base.files import write_whole

LONGEST_SECONDS = 90.0
# supervisord first, for it would start the others again and stops them itself in their order.
ORDER = ("supervisord", "worker", "ops", "beat", "web", "inference", "valkey", "postgres")
# SIGTERM makes PostgreSQL wait for its clients; SIGINT does not, and is as safe.
ENDED_BY_SIGINT = {"postgres"}


def start_time(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything; the fields that follow it do not.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def remember(run: Path, name: str, pid: int) -> None:
    """Write `<name>.pid`, whole or not at all; a process that is gone already leaves none."""
    started = start_time(pid)
    if started is None:
        return
    write_whole(run / f"{name}.pid", f"{pid} {started}\n")


def forget(run: Path, name: str) -> None:
    """The part has ended."""
    (run / f"{name}.pid").unlink(missing_ok=True)


def remembered(run: Path, name: str) -> tuple[int, int] | None:
    """Process id and start time as last written; None when there is none or it does not read."""
    try:
        pid, started = (run / f"{name}.pid").read_text(encoding="utf-8").split()
        return int(pid), int(started)
    except (OSError, ValueError):
        return None


def is_alive(run: Path, name: str) -> bool:
    """Whether the remembered process lives, and not another one with its id."""
    process = remembered(run, name)
    return process is not None and start_time(process[0]) == process[1]


def end_leftovers(run: Path) -> Iterator[str]:
    """End what still lives of the parts remembered in `run`; yields a sentence for each.

    A process id that another process has since been given is left alone.
    """
    for name in sorted((path.stem for path in run.glob("*.pid")), key=_place_in_order):
        process = remembered(run, name)
        if process and start_time(process[0]) == process[1]:
            signum = signal.SIGINT if name in ENDED_BY_SIGINT else signal.SIGTERM
            yield f"{name} (process {process[0]}) was left over from an earlier start: ending it"
            _end(*process, signum)
        forget(run, name)


def _place_in_order(name: str) -> int:
    return ORDER.index(name) if name in ORDER else 1


def _end(pid: int, started: int, signum: signal.Signals) -> None:
    # The process may end by itself after it was looked at. Its id is not given to another before
    # the kernel has gone through all the others, so the signal reaches nobody else.
    with suppress(ProcessLookupError):
        os.kill(pid, signum)
    end = time.monotonic() + LONGEST_SECONDS
    while start_time(pid) == started:
        if time.monotonic() > end:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
