"""Other programs, as argv lists: the only module of the console that starts processes.

No secret is passed in `argv` or `env`: a program gets the name of a file that holds it.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from pmscoring.base.redaction import redacted

KEPT = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TMPDIR", "USER")
"""Variables of our environment that a program gets; the others may hold secrets."""
SAID_BYTES = 4000
LOOK_SECONDS = 0.05
FOLLOW_SECONDS = 0.25
GRACE_SECONDS = 5.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class ShellError(Exception):
    """A program failed; `says` is the end of what it wrote to stderr, without secrets."""

    def __init__(self, argv: Sequence[str], status: int | None, says: str) -> None:
        self.argv, self.status, self.says = list(argv), status, redacted(says.strip())
        how = _how(status)
        super().__init__(
            f"{Path(argv[0]).name} {how}: {self.says}"
            if self.says
            else f"{Path(argv[0]).name} {how}"
        )


class TooLong(ShellError):
    """A program was ended because its time was over."""


def _how(status: int | None) -> str:
    if status is None:
        return "did not run"
    return f"was killed by signal {-status}" if status < 0 else f"exited with {status}"


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: Path | None = None,
    timeout: float | None = None,
    alive: Callable[[], object] | None = None,
    every: float = 5.0,
    warn: Callable[[str], object] = lambda says: None,
) -> str:
    """Run the program to its end and return its stdout; raises ShellError.

    `alive` is called every `every` seconds; what it raises, as well as `timeout` seconds gone by,
    ends the program with all its children. `stdin` is a file that it reads. `warn` is called with
    the end of stderr where a program that succeeded has written there.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = _started(argv, env or {}, cwd, stdin, out, err)
        _await_or_end(process, argv, timeout, alive, every)
        says = _end_of(err)
        if process.returncode:
            raise ShellError(argv, process.returncode, says)
        if says:
            warn(redacted(says))
        out.seek(0)
        return out.read().decode("utf-8", "replace")


def follow(
    argv: Sequence[str],
    say: Callable[[str], object],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    alive: Callable[[], object] | None = None,
) -> int:
    """Run the program, say each line of its stdout and stderr without secrets; its exit status.

    Ends it as `run` does. Raises ShellError where it cannot be run or was killed, TooLong after
    `timeout` seconds.
    """
    with tempfile.TemporaryFile() as output:
        process = _started(argv, env or {}, cwd, None, output, output)
        lines = _Lines(output.fileno(), say)

        def look() -> None:
            lines.read()
            if alive:
                alive()

        _await_or_end(process, argv, timeout, look, FOLLOW_SECONDS)
        lines.read(to_end=True)
    if process.returncode < 0:
        raise ShellError(argv, process.returncode, "")
    return process.returncode


class _Lines:
    """What a program has written to a file since the last look, line by line."""

    def __init__(self, file: int, say: Callable[[str], object]) -> None:
        self.file, self.say = file, say
        self.place, self.rest = 0, b""

    def read(self, *, to_end: bool = False) -> None:
        """Say the lines that are whole; `to_end` the last one too. The program's own place in the
        file is left alone.
        """
        while block := os.pread(self.file, 65536, self.place):
            self.place += len(block)
            *whole, self.rest = (self.rest + block).split(b"\n")
            for line in whole:
                self._say(line)
        if to_end and self.rest:
            self._say(self.rest)

    def _say(self, line: bytes) -> None:
        self.say(redacted(line.decode("utf-8", "replace")))


def _started(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: Path | None,
    out: IO[bytes],
    err: IO[bytes],
) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with open(stdin or os.devnull, "rb") as source:
        try:
            return subprocess.Popen(  # noqa: S603
                argv,
                stdin=source,
                stdout=out,
                stderr=err,
                cwd=cwd,
                env={**kept, "LC_ALL": "C.UTF-8", **env},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        except OSError as error:
            raise ShellError(argv, None, error.strerror or str(error)) from error


def _die_with_parent() -> None:
    """Have the kernel kill the program when the thread that started it is gone.

    Otherwise a pg_dump would outlive its killed worker, and write into the folder of the next try.
    """
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _await_or_end(
    process: "subprocess.Popen[bytes]",
    argv: Sequence[str],
    timeout: float | None,
    alive: Callable[[], object] | None,
    every: float,
) -> None:
    """Return when it has ended; whatever is raised instead ends it first."""
    try:
        _await(process, timeout, alive, every)
    except subprocess.TimeoutExpired:
        _end(process)
        raise TooLong(argv, process.returncode, f"not within {timeout:g} s") from None
    except BaseException:
        _end(process)
        raise


def _await(
    process: "subprocess.Popen[bytes]",
    timeout: float | None,
    alive: Callable[[], object] | None,
    every: float,
) -> None:
    began = beaten = time.monotonic()
    wait = LOOK_SECONDS
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait)
            return
        moment = time.monotonic()
        if timeout is not None and moment - began >= timeout:
            raise subprocess.TimeoutExpired(process.args, timeout)
        if alive and moment - beaten >= every:
            alive()
            beaten = time.monotonic()
        wait = min(0.5, every, wait * 2)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, and kill what is left of it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_of(err: IO[bytes]) -> str:
    size = err.seek(0, os.SEEK_END)
    err.seek(max(size - SAID_BYTES, 0))
    return err.read().decode("utf-8", "replace").strip()
