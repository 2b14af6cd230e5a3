"""The containers' health checks: `python probe.py web|worker|beat` exits 0 where the part lives.

`python probe.py requests N` makes N requests to this container's own web server and prints
{"ok", "failed", "p95_ms"}: what a deployment judges a new container by while it has few callers.
"""

import http.client
import json
import math
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pmscoring.base import env

PORT = 8000
COMMAND = Path("/proc/1/cmdline")
SCHEMES = ("redis", "rediss")


def web() -> bool:
    """gunicorn answers."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=4)
    connection.request("GET", "/health/live")
    return connection.getresponse().status == 200


def worker() -> bool:
    """This container's worker answers a ping; while the broker is away, nobody can tell.

    A container of the same image that runs a command, as who drives a deployment, has no worker.
    """
    if b"celery" not in COMMAND.read_bytes():
        return True
    from celery import Celery

    default = env.text("REDIS_URL", "")
    url = env.url("BROKER_URL", default, SCHEMES, env.text("BROKER_PASSWORD", ""))
    with Celery(broker=url, set_as_current=False) as celery:
        try:
            node = f"celery@{socket.gethostname()}"
            return bool(celery.control.ping(destination=[node], timeout=3.0))
        except celery.connection().connection_errors:
            return True


def beat() -> bool:
    """Beat has left its sign of late; while the cache is away, nobody can tell."""
    import redis

    from pmscoring.celery import BEAT_KEY

    url = env.url("CACHE_URL", "", SCHEMES, env.text("CACHE_PASSWORD", ""))
    try:
        return bool(redis.Redis.from_url(url, socket_timeout=3).exists(BEAT_KEY))
    except redis.ConnectionError:
        return True


PATHS = ("/health/live", "/health/ready", "/admin/login/", "/api/v1/exams", "/api/docs/")
"""The process alone, its servers, a page with a session, the API's door, a page of static parts."""


def ask(path: str) -> tuple[bool, float]:
    """Whether the path is answered without a fault of the server's, and after how many ms."""
    began = time.monotonic()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        # As behind nginx. A caller who is not known is refused, which is no fault.
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https"})
        response = connection.getresponse()
        response.read()
        is_good = response.status < 500
    except (OSError, http.client.HTTPException):
        is_good = False
    return is_good, (time.monotonic() - began) * 1000


def requests(count: int) -> dict[str, float]:
    """What came of so many requests, one after the other; a fault counts with its time too."""
    answers = [ask(PATHS[number % len(PATHS)]) for number in range(count)]
    times = sorted(taken for _, taken in answers)
    ok = sum(is_good for is_good, _ in answers)
    p95 = times[math.ceil(0.95 * count) - 1] if times else 0.0
    return {"ok": ok, "failed": count - ok, "p95_ms": round(p95, 1)}


PROBES: dict[str, Callable[[], bool]] = {"web": web, "worker": worker, "beat": beat}

if __name__ == "__main__":
    if sys.argv[1] == "requests":
        print(json.dumps(requests(int(sys.argv[2]))))  # noqa: T201
        sys.exit()
    sys.exit(0 if PROBES[sys.argv[1]]() else 1)
