"""Checks run side by side, each in a thread of its own, and no request waits long for them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import Any

from health_check.base import HealthCheck, HealthCheckResult

from pmscoring.base.watched import Watched
from pmscoring.health import checks

WAIT_SECONDS = 2.0
Check = dict[str, Any]


def _checking(make: Callable[[], HealthCheck]) -> Watched[HealthCheckResult]:
    return Watched(lambda: asyncio.run(make().get_result()))


WATCHED: dict[str, Watched[HealthCheckResult]] = {
    "database": _checking(checks.Database),
    "redis": _checking(checks.Redis),
    "ai_engine": _checking(checks.AiEngine),
    "worker": _checking(checks.Worker),
    "beat": _checking(checks.Beat),
    "migrations": _checking(checks.Migrations),
    "storage": _checking(checks.Storage),
}


def look(names: Iterable[str] = WATCHED) -> dict[str, Check]:
    """`{name: {status, latency_ms, detail?, …}}`, after WAIT_SECONDS at the latest."""
    started = time.monotonic()
    looks = {name: WATCHED[name].look() for name in names}
    wait(looks.values(), timeout=WAIT_SECONDS)
    return {name: _report(future, time.monotonic() - started) for name, future in looks.items()}


def _report(future: "Future[HealthCheckResult]", waited: float) -> Check:
    if not future.done():
        detail = f"no answer within {WAIT_SECONDS:g} s"
        return {"status": "unhealthy", "latency_ms": _milliseconds(waited), "detail": detail}
    result = future.result()
    report: Check = {"status": "unhealthy" if result.error else "healthy"}
    report["latency_ms"] = _milliseconds(result.time_taken)
    if isinstance(result.check, checks.AiEngine):
        report["model_loaded"] = result.check.model_loaded
    if result.error:
        report["detail"] = str(result.error.message)[:200]
    return report


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
