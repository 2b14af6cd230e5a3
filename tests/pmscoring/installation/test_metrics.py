"""What Prometheus reads from several gunicorn workers."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.installation import Installation
from tests.pmscoring.test_metrics import requests, samples
from tests.waiting import wait_until


def counters(installation: Installation) -> list[Path]:
    return list((installation.folder / "prometheus").glob("counter_*.db"))


def test_counters_add_up_over_workers_and_outlive_one(installation: Installation) -> None:
    """Slow, since gunicorn starts three times."""
    installation.stop("web")
    folder = installation.folder / "prometheus"
    folder.mkdir(exist_ok=True)
    (folder / "counter_1.db").write_bytes(b"left over")
    installation.start("web", PROMETHEUS_MULTIPROC_DIR=str(folder))

    def hits(_: object) -> int:
        return installation.web.get("/api/v1/exams").status_code

    def counted() -> float:
        scraped = samples(installation.web.get("/metrics").text)
        return requests(scraped, "GET", "/api/v1/exams", "200")

    with ThreadPoolExecutor(8) as callers:
        assert set(callers.map(hits, range(60))) == {200}, installation.log("web")[-4000:]
    assert [counted() for _ in range(6)] == [60] * 6
    pids = [int(path.stem.rpartition("_")[2]) for path in counters(installation)]
    assert len(pids) == 2
    os.kill(pids[0], signal.SIGKILL)
    with ThreadPoolExecutor(8) as callers:
        wait_until(
            lambda: set(callers.map(hits, range(8))) == {200} and len(counters(installation)) == 3
        )
    assert counted() >= 68
    before = counted()
    assert counted() == before
    installation.stop("web")
    assert not folder.exists()
    installation.start("web")
    assert samples(installation.web.get("/metrics").text)
