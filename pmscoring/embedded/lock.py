"""Who may start and stop the parts of an installation: locks on files in its folder `run`.

The supervisor holds `lock` alone. Commands of manage.py hold it together while no supervisor does,
so that several use one PostgreSQL, and none of them while a supervisor starts or stops. The kernel
lets go of a lock when its process ends, however that ends: a killed process leaves none behind.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pmscoring.embedded.errors import CannotStart


@contextmanager
def exclusive(run: Path) -> Iterator[None]:
    """Hold the folder alone; raises CannotStart where another process holds it."""
    with (run / "lock").open("a") as lock:
        if not _take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise CannotStart(
                f"{run} is in use by another start or by a command of manage.py; stop that first"
            )
        yield


def join(run: Path) -> TextIO | None:
    """Hold the folder together with other commands until the file is closed; None: it is taken."""
    lock = (run / "lock").open("a")
    if _take(lock, fcntl.LOCK_SH | fcntl.LOCK_NB):
        return lock
    lock.close()
    return None


def is_last(lock: TextIO) -> bool:
    """Whether no other command holds the folder; if so, it is held alone from now on.

    The kernel gives the shared lock back before it takes the exclusive one. Between the two a
    supervisor may take the folder: then the answer is no, and it ends what we would have ended.
    """
    return _take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def one_by_one(run: Path) -> Iterator[None]:
    """Commands wait here for each other to start PostgreSQL, to see that it runs, or to stop it."""
    with (run / "postgres.lock").open("a") as lock:
        _take(lock, fcntl.LOCK_EX)
        yield


def _take(lock: TextIO, how: int) -> bool:
    try:
        fcntl.flock(lock, how)
    except BlockingIOError:
        return False
    return True
