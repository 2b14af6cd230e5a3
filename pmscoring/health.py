"""Health: live needs the process alone, ready the database, and /health tells of every part."""

import os
import time
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now

from pmscoring.celery import app
from scoring.inference import Inference, InferenceError
from scoring.tasks import LOAD_KEY

STARTED = time.monotonic()
Check = dict[str, Any]


class Unwell(Exception):
    """A check found its part wanting; the message says how."""


def database() -> Check:
    """One round trip."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def migrations() -> Check:
    """Every migration is applied."""
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise Unwell(f"{len(missing)} migrations are missing")
    return {}


def cache() -> "redis.Redis":
    """A client that does not wait long."""
    return redis.Redis.from_url(settings.CACHE_URL, socket_timeout=2, socket_connect_timeout=2)


def redis_answers() -> Check:
    """One round trip."""
    cache().ping()
    return {}


def beat() -> Check:
    """Beat makes workers publish the load every few seconds; the key is gone when it stopped."""
    if not cache().exists(LOAD_KEY):
        raise Unwell("nothing was published of late")
    return {}


def worker() -> Check:
    """A worker answers a ping."""
    if not app.control.ping(timeout=0.5, limit=1):
        raise Unwell("no worker answers")
    return {}


def ai_engine() -> Check:
    """The inference service's own word."""
    told = Inference.from_settings().health()
    return {"model_loaded": bool(told.get("model_loaded"))}


def storage() -> Check:
    """The folder of data can be written."""
    if not os.access(settings.VAR_DIR, os.W_OK):
        raise Unwell("the data folder cannot be written")
    return {}


CHECKS: dict[str, Callable[[], Check]] = {
    "database": database,
    "redis": redis_answers,
    "ai_engine": ai_engine,
    "worker": worker,
    "beat": beat,
    "migrations": migrations,
    "storage": storage,
}
VITAL = ("database", "migrations")


def look(check: Callable[[], Check]) -> Check:
    """A check's result with its latency; what it may expect to fail with counts as unhealthy."""
    started = time.perf_counter()
    try:
        told = {"status": "healthy", **check()}
    except (DatabaseError, redis.RedisError, InferenceError, OSError, Unwell) as error:
        told = {"status": "unhealthy", "detail": str(error)[:200] or type(error).__name__}
    return {**told, "latency_ms": round((time.perf_counter() - started) * 1000, 1)}


def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "healthy"})


def ready(request: HttpRequest) -> JsonResponse:
    """Requests can be served."""
    found = {name: look(CHECKS[name]) for name in VITAL}
    well = all(check["status"] == "healthy" for check in found.values())
    return JsonResponse({"status": "healthy" if well else "unhealthy"}, status=200 if well else 503)


def health(request: HttpRequest) -> JsonResponse:
    """Every part; details for authenticated callers and the internal network only."""
    found = {name: look(check) for name, check in CHECKS.items()}
    ill = [name for name, check in found.items() if check["status"] != "healthy"]
    status = "unhealthy" if "database" in ill else "degraded" if ill else "healthy"
    told: dict[str, Any] = {"status": status, "timestamp": now().isoformat()}
    told["uptime_seconds"] = round(time.monotonic() - STARTED, 1)
    if may_see_details(request):
        told["checks"] = found
    return JsonResponse(told, status=503 if status == "unhealthy" else 200)


def may_see_details(request: HttpRequest) -> bool:
    """A caller of the internal network, who came through no proxy."""
    direct = request.META.get("REMOTE_ADDR", "")
    return direct in settings.INTERNAL_IPS and "HTTP_X_FORWARDED_FOR" not in request.META
