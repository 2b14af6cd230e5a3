"""/health and /health/ready."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.timezone import now

from pmscoring.callers import is_internal, is_known
from pmscoring.draining import is_draining
from pmscoring.health.looks import Check, look

STARTED = time.monotonic()
VITAL = ("database", "migrations")
NEVER_KEPT = {"Cache-Control": "no-store"}


def ready(request: HttpRequest) -> HttpResponse:
    """Requests can be served; 503 while the database is away or lacks migrations.

    404 while this server is being stopped: so HAProxy gives it no new requests, at the first look.
    A caller whom HAProxy has sent here, as X-Forwarded-For tells, asks about the installation,
    which others go on serving.
    """
    if is_draining() and "X-Forwarded-For" not in request.headers:
        return JsonResponse({"status": "stopping"}, status=404, headers=NEVER_KEPT)
    ill = _ill(look(VITAL))
    status = "unhealthy" if ill else "healthy"
    return JsonResponse({"status": status}, status=503 if ill else 200, headers=NEVER_KEPT)


def health(request: HttpRequest) -> HttpResponse:
    """Every part; 503 while the database is away, which alone stops the product's work.

    The checks are for the internal network and authenticated callers only.
    """
    checks = look()
    ill = _ill(checks)
    status = "unhealthy" if "database" in ill else "degraded" if ill else "healthy"
    body: dict[str, Any] = {
        "status": status,
        "uptime_seconds": round(time.monotonic() - STARTED, 1),
        "timestamp": now().isoformat(),
    }
    # Without the database nobody can be authenticated, and asking it would take long.
    if is_internal(request) or ("database" not in ill and is_known(request)):
        body["checks"] = checks
    return JsonResponse(body, status=503 if status == "unhealthy" else 200, headers=NEVER_KEPT)


def _ill(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if check["status"] != "healthy"]
