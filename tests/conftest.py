"""What every test may ask for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pmscoring.embedded import free_port, wait_until

ROOT = Path(__file__).parent.parent
WEIGHTS = ROOT / "var" / "models" / "e5-small"


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the default encoder; the development image has no torch to run it."""
    pytest.importorskip("torch", reason="torch is not installed")
    from inference_server.weights import provision

    provision(WEIGHTS)
    return WEIGHTS


@pytest.fixture(scope="session")
def inference_url(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real inference service, one for the whole run."""
    log, port = tmp_path_factory.mktemp("inference") / "inference.log", free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'docker' / 'inference'}",
        "INFERENCE_PORT": str(port),
        "SCORING_MODEL": str(weights),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference_server"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).is_success
    except httpx.TransportError:
        return False
