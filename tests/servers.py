"""A pytest plugin: PostgreSQL and Valkey for the whole run, up before Django reads its settings.

Where tests run side by side (`pytest -n`), the controller starts them and its workers inherit their
addresses: each worker has a database of its own in that PostgreSQL (pytest-django names it after
the worker) and a numbered one in that Valkey. Only the controller stops them.
"""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.local_servers import Servers

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""`gw0`, `gw1` … in a worker; empty in the controller and where tests run one after the other."""
folder: Path | None = None
servers: Servers | None = None


def of_worker(url: str, worker: str) -> str:
    """The address of the worker's own database in a Redis: the number after that in the URL."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(worker.removeprefix("gw"))
    return parts._replace(path=f"/{number}").geturl()


if "DATABASE_URL" not in os.environ:
    folder = Path(tempfile.mkdtemp(prefix="pmscoring-test-"))
    folder.chmod(0o755)
    servers = Servers(folder, durable=False).__enter__()
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
    os.environ["POSTGRES_BIN"] = str(servers.clients)
if WORKER:
    os.environ["REDIS_URL"] = of_worker(os.environ["REDIS_URL"], WORKER)
    # One core is this worker's: more threads would only wait for those of the other workers.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ["ENVIRONMENT"] = "test"
os.environ.setdefault("INFERENCE_TOKEN", "a-token-for-tests")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over: stop what was started."""
    if servers:
        servers.stop()
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
