"""What every test may ask for."""

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_servers import free_port
from tests.paths import PYTHONPATH, WEIGHTS
from tests.running import running


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
def inference_url(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real inference service, one for the whole run."""
    log, port = tmp_path_factory.mktemp("inference") / "inference.log", free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": PYTHONPATH,
        "INFERENCE_PORT": str(port),
        "SCORING_MODEL": str(weights),
        "INFERENCE_THREADS": "1",
    }
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "inference_server"], environment, log, f"{url}/health"):
        yield url
