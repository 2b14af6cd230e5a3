"""Who may start and stop the parts of an installation: a lock on its folder `run`."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmscoring.embedded.errors import CannotStart


@contextmanager
def exclusive(run: Path) -> Iterator[None]:
    """Hold the folder for ourselves; raises CannotStart where another process holds it.

    Of two starts at the same moment the kernel gives the lock to one. It lets go of it when the
    process ends, however that ends, so a killed start leaves no lock behind.
    """
    with (run / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"another start holds {run}; stop that one first") from error
        yield
