"""Tests that share something run in the same worker, each worker beside the others' data."""

import pytest

from tests.distribution import scope
from tests.servers import of_worker

INSTALLATION = "tests/pmscoring/installation/"


@pytest.mark.parametrize(
    ("nodeid", "shared"),
    [
        (f"{INSTALLATION}test_health.py::test_a", INSTALLATION),
        (f"{INSTALLATION}test_metrics.py::test_b[a::b]", INSTALLATION),
        ("tests/pmscoring/test_health.py::test_a", "tests/pmscoring/test_health.py"),
        ("tests/scoring/api/test_calls.py::test_a[x::y]", "tests/scoring/api/test_calls.py"),
    ],
)
def test_it_keeps_together_what_shares_a_module_or_an_installation(
    nodeid: str, shared: str
) -> None:
    assert scope(nodeid) == shared


@pytest.mark.parametrize(
    ("url", "worker", "own"),
    [
        ("redis://127.0.0.1:6379/0", "gw0", "redis://127.0.0.1:6379/0"),
        ("redis://127.0.0.1:6379/0", "gw3", "redis://127.0.0.1:6379/3"),
        (
            "redis://user:secret@redis.example:6379/4",
            "gw1",
            "redis://user:secret@redis.example:6379/5",
        ),
        ("redis://127.0.0.1:6379", "gw2", "redis://127.0.0.1:6379/2"),
    ],
)
def test_each_worker_has_a_numbered_database_in_redis(url: str, worker: str, own: str) -> None:
    assert of_worker(url, worker) == own
