"""The parts' logs on the terminal, each line after the name of its part."""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

EVERY_SECONDS = 0.2


class Follower:
    """Reads on in one log, through its rotations; what was in it before is not repeated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: BinaryIO | None = None
        self.rest = b""
        if path.exists():
            self.file = path.open("rb")
            self.file.seek(0, 2)

    def lines(self) -> list[str]:
        """The whole lines that came since the last call."""
        data = self.rest + (self.file.read() if self.file else b"")
        if self._rotated():
            if self.file:
                self.file.close()
            self.file = self.path.open("rb")
            data += self.file.read()
        *whole, self.rest = data.split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in whole]

    def _rotated(self) -> bool:
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return False
        if self.file is None:
            return True
        return now.st_ino != _inode(self.file) or now.st_size < self.file.tell()


class Terminal:
    """Shows the logs of the named parts until closed."""

    def __init__(self, logs: Path, names: Sequence[str], output: TextIO = sys.stdout) -> None:
        self.logs = logs
        self.followers = {name: Follower(logs / f"{name}.log") for name in names}
        self.width = max(map(len, names), default=0)
        self.output = output
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def show(self) -> None:
        """Begin, in a thread of its own."""
        self.thread.start()

    def close(self) -> None:
        """Show what is left and end."""
        self.closing.set()
        if self.thread.is_alive():
            self.thread.join()

    def _follow(self) -> None:
        while not self.closing.wait(EVERY_SECONDS):
            self.copy()
        self.copy()

    def copy(self) -> None:
        """Write every line that has come."""
        for name, follower in self.followers.items():
            for line in follower.lines():
                print(f"{name:<{self.width}} | {line}", file=self.output, flush=True)


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log, for the message of a failure."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino
