"""One step of ours in a process of its own: `python -m tests.bench.backup.steps STEP`.

It prints the seconds of the deed alone: a worker has started long before it makes a backup.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pmscoring.settings")
django.setup()

from django.conf import settings  # noqa: E402

from opsconsole.backups import take as taking  # noqa: E402
from opsconsole.backups import verify as verifying  # noqa: E402
from opsconsole.gateways.postgres import contents, dumps  # noqa: E402
from opsconsole.gateways.postgres.server import Server  # noqa: E402
from opsconsole.models import SYSTEM, Backup  # noqa: E402
from tests.bench.backup.filling import fill  # noqa: E402


def quiet(fraction: float, note: str) -> None:
    """Progress that nobody looks at."""


def filled(gibibytes: str) -> None:
    """Fill the database."""
    fill(int(float(gibibytes) * 1024**3))


def take(digests: str = "with") -> None:
    """A backup of the database without its verification; digests = "without" leaves them out."""
    if digests == "without":
        contents.contents = lambda *given: {}
    backup = taking.request(caller=SYSTEM, parts=["database"], verify=False)
    taking.take(backup, quiet)


def digest() -> None:
    """The rows and digests of all tables."""
    with contents.exported(Server.from_settings()) as snapshot:
        contents.contents(snapshot.connection)


def verify() -> None:
    """The newest backup, restored into a scratch database and compared."""
    backup = Backup.objects.latest("requested_at")
    assert verifying.verify(backup, caller=SYSTEM, say=quiet).ok


def restore(database: str) -> None:
    """The newest backup's dump into an empty database, as a restore does it."""
    folder = Path(settings.BACKUP_DIR) / Backup.objects.latest("requested_at").name / "database"
    server = Server.from_settings()
    server.create(database)
    dumps.restore(server.named(database), folder, jobs=settings.BACKUP_JOBS)


STEPS: dict[str, Callable[..., None]] = {
    step.__name__: step for step in (filled, take, digest, verify, restore)
}

if __name__ == "__main__":
    began = time.perf_counter()
    STEPS[sys.argv[1]](*sys.argv[2:])
    print(time.perf_counter() - began)
