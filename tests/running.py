"""A server as a process of its own, for as long as a test or a bench needs it."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.local_servers import wait_until
from tests.paths import ROOT

STARTING_SECONDS = 180.0
"""As long as the product gives its inference service."""


@contextmanager
def running(
    argv: Sequence[str], environment: Mapping[str, str], log: Path, address: str
) -> Iterator[None]:
    """From when `address` answers well on; what the process says goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until(lambda: _answers(address), process, log, STARTING_SECONDS)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
