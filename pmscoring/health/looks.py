"""Checks run beside each other, each in a thread of its own, and no one waits long for them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import Any

from health_check.base import HealthCheck, HealthCheckResult

from pmscoring.health import checks

WAIT_SECONDS = 2.0
FRESH_SECONDS = 0.5
Check = dict[str, Any]


class Watched:
    """One check: who asks while it runs, or just after, gets the same answer.

    So a flood of requests runs nothing twice, and a check that hangs holds one thread, its own.
    """

    def __init__(self, make: Callable[[], HealthCheck]) -> None:
        self.make = make
        self.lock = Lock()
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="health")
        self.latest: Future[HealthCheckResult] | None = None
        self.ended = 0.0

    def look(self) -> "Future[HealthCheckResult]":
        """The look that is under way or fresh, or a new one."""
        with self.lock:
            over = self.latest is None or self.latest.done()
            if self.latest is None or (over and time.monotonic() - self.ended > FRESH_SECONDS):
                self.latest = self.executor.submit(self._run)
            return self.latest

    def _run(self) -> HealthCheckResult:
        try:
            return asyncio.run(self.make().get_result())
        finally:
            self.ended = time.monotonic()


WATCHED: dict[str, Watched] = {
    "database": Watched(checks.Database),
    "redis": Watched(checks.Redis),
    "ai_engine": Watched(checks.AiEngine),
    "worker": Watched(checks.Worker),
    "beat": Watched(checks.Beat),
    "migrations": Watched(checks.Migrations),
    "storage": Watched(checks.Storage),
}


def look(names: Iterable[str] = WATCHED) -> dict[str, Check]:
    """`{name: {status, latency_ms, detail?, …}}`, after WAIT_SECONDS at the latest."""
    started = time.monotonic()
    looks = {name: WATCHED[name].look() for name in names}
    wait(looks.values(), timeout=WAIT_SECONDS)
    return {name: _told(future, time.monotonic() - started) for name, future in looks.items()}


def _told(future: "Future[HealthCheckResult]", waited: float) -> Check:
    if not future.done():
        detail = f"no answer within {WAIT_SECONDS:g} s"
        return {"status": "unhealthy", "latency_ms": _milliseconds(waited), "detail": detail}
    result = future.result()
    told: Check = {"status": "unhealthy" if result.error else "healthy"}
    told["latency_ms"] = _milliseconds(result.time_taken)
    if isinstance(result.check, checks.AiEngine):
        told["model_loaded"] = result.check.model_loaded
    if result.error:
        told["detail"] = str(result.error.message)[:200]
    return told


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
