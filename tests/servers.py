"""A pytest plugin: PostgreSQL and Valkey for the whole run, up before Django reads its settings."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.local_servers import Servers

folder = Path(tempfile.mkdtemp(prefix="pmscoring-test-"))
folder.chmod(0o755)
servers: Servers | None = None

if "DATABASE_URL" not in os.environ:
    servers = Servers(folder, durable=False).__enter__()
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
os.environ["ENVIRONMENT"] = "test"
os.environ.setdefault("INFERENCE_TOKEN", "a-token-for-tests")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The run is over: stop what was started."""
    if servers:
        servers.stop()
    shutil.rmtree(folder, ignore_errors=True)
