"""What every test may ask for."""

import fcntl
import os
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import settings
from pytest_django import DjangoDbBlocker

from tests.local_servers import free_port
from tests.paths import PYTHONPATH, WEIGHTS
from tests.running import running

# How long an example takes is the machine's affair, which other tests share.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")
LOGS = pytest.StashKey[dict[str, Path]]()
"""The folder of the logs of each fixture that starts processes."""
SHOWN_BYTES = 3000


def pytest_configure(config: pytest.Config) -> None:
    """No fixture has started a process yet."""
    config.stash[LOGS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin no test later than TESTS_UNTIL, which CI sets: a slow machine has no time for all."""
    if time.time() > float(os.environ.get("TESTS_UNTIL", "inf")):
        pytest.skip("the time that TESTS_UNTIL gives is over")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the processes that a failed test used."""
    report = yield
    if report.failed:
        for fixture, folder in item.config.stash[LOGS].items():
            if fixture in getattr(item, "fixturenames", ()):
                report.sections += [_end_of(log) for log in sorted(folder.glob("*.log"))]
    return report


def _end_of(log: Path) -> tuple[str, str]:
    text = log.read_bytes()[-SHOWN_BYTES:].decode("utf-8", "replace")
    return f"end of {log}", text


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the default encoder; the development image has no torch to run it."""
    pytest.importorskip("torch", reason="torch is not installed")
    from inference_server.weights import provision

    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    with (WEIGHTS.parent / "tests.lock").open("w") as lock:
        # Of two workers that find no weights one makes them; the other waits and finds them.
        fcntl.flock(lock, fcntl.LOCK_EX)
        provision(WEIGHTS)
    return WEIGHTS


@pytest.fixture(scope="session")
def inference_url(
    weights: Path, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The real inference service, one for the whole run of this process."""
    folder, port = tmp_path_factory.mktemp("inference"), free_port()
    pytestconfig.stash[LOGS]["inference_url"] = folder
    environment = {
        **os.environ,
        "PYTHONPATH": PYTHONPATH,
        "INFERENCE_PORT": str(port),
        "SCORING_MODEL": str(weights),
        "INFERENCE_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}"
    with running(
        [sys.executable, "-m", "inference_server"],
        environment,
        folder / "inference.log",
        f"{url}/health",
    ):
        yield url


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database. Tests that commit empty every table after them, the events too."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE opsconsole_event DISABLE TRIGGER opsconsole_event_never_emptied"
        )
