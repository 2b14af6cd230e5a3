"""Health of a real installation, with each fault caused."""

import time

from tests.installation import POSTGRES, Installation
from tests.pmscoring.test_health import BOUND, ill
from tests.waiting import wait_until


def timed(installation: Installation, path: str) -> tuple[int, str]:
    web = installation.web
    began = time.monotonic()
    response = web.get(path)
    assert time.monotonic() - began < BOUND
    return response.status_code, response.json()["status"]


def becomes(installation: Installation, path: str, expected: tuple[int, str]) -> None:
    """It answers so after some time, which is not bound; from then on each answer is."""

    def answers() -> tuple[int, str]:
        response = installation.web.get(path)
        return response.status_code, response.json()["status"]

    wait_until(lambda: answers() == expected)
    timed(installation, path)


def test_without_its_database_it_lives_but_is_not_ready_until_that_is_back(
    installation: Installation,
) -> None:
    """Slow, since the pool of connections tries anew after as long as ten seconds."""
    assert timed(installation, "/health")[0] == 200
    installation.stop_server(POSTGRES)
    try:
        time.sleep(0.6)
        assert timed(installation, "/health") == (503, "unhealthy")
        assert timed(installation, "/health/ready") == (503, "unhealthy")
        assert timed(installation, "/health/live") == (200, "healthy")
        outsider = installation.web.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
        assert (outsider.status_code, "checks" in outsider.json()) == (503, False)
        assert installation.web.get("/health").json()["checks"]["database"]["status"] == "unhealthy"
    finally:
        installation.start_server(POSTGRES)
    began = time.monotonic()
    becomes(installation, "/health/ready", (200, "healthy"))
    assert time.monotonic() - began < 30


def test_a_database_that_hangs_is_told_within_the_bound(installation: Installation) -> None:
    """Slow, since each of its requests waits for as long as it may: two seconds."""
    becomes(installation, "/health/ready", (200, "healthy"))
    with installation.postgres_hanging():
        time.sleep(0.6)
        for _ in range(3):
            assert timed(installation, "/health") == (503, "unhealthy")
            assert timed(installation, "/health/ready") == (503, "unhealthy")
        assert timed(installation, "/health/live") == (200, "healthy")
    becomes(installation, "/health/ready", (200, "healthy"))


def test_a_whole_installation_is_healthy(installation: Installation) -> None:
    """Slow, since three parts start, and beat's sign of life expires after thirty seconds."""
    for part in ("inference", "worker", "beat"):
        installation.start(part)
    try:
        becomes(installation, "/health", (200, "healthy"))
        installation.stop("beat")
        installation.stop("worker")
        wait_until(lambda: ill(installation.web.get("/health").json()) == {"worker"})
        wait_until(lambda: ill(installation.web.get("/health").json()) == {"worker", "beat"})
    finally:
        installation.stop("inference")
