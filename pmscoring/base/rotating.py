"""Secrets in files, which may change while this process runs.

A file has the secret in its first line. While the secret is rotated it has a second line, which is
as good: the old and the new one, in the order in which clients try them. Whoever rotates writes in
place, so that a file that is mounted into a container shows it, and a reader could meet the first
bytes of one value before the last ones of another: both hold a lock on the file.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 4096
ROTATED = ("DATABASE_PASSWORD", "BROKER_PASSWORD", "CACHE_PASSWORD", "INFERENCE_TOKEN")


def is_in_file(name: str) -> bool:
    """Whether `NAME_FILE` holds the value of NAME, which a value in the environment replaces."""
    return not os.environ.get(name) and bool(os.environ.get(f"{name}_FILE"))


def lines(name: str) -> list[str]:
    """The secrets that are good now, the one to try first in front; none that is in no file.

    Read anew at each call. A file that cannot be read has none.
    """
    path = file_of(name)
    return lines_of(path) if path else []


def file_of(name: str) -> Path | None:
    """The file that holds the value of NAME, where one does."""
    return Path(os.environ[f"{name}_FILE"]) if is_in_file(name) else None


def lines_of(path: Path) -> list[str]:
    """The lines of a secret's file that are not empty; none where it cannot be read."""
    try:
        with path.open("rb") as file, locked(file.fileno(), fcntl.LOCK_SH):
            content = file.read(MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in content.splitlines() if line.strip()]


@contextlib.contextmanager
def locked(descriptor: int, kind: int) -> Iterator[None]:
    """Hold fcntl's lock `kind` on an open file; none where its file system has no locks."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, kind)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def first(name: str, default: str) -> str:
    """The secret to try first, or `default` where it is in no file."""
    return next(iter(lines(name)), default)
