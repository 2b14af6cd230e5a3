"""The containers' health checks: `python probe.py web|worker|beat` exits 0 where the part lives."""

import http.client
import socket
import sys
from collections.abc import Callable

from pmscoring.base import env

SCHEMES = ("redis", "rediss")


def web() -> bool:
    """gunicorn answers."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    connection.request("GET", "/health/live")
    return connection.getresponse().status == 200


def worker() -> bool:
    """This container's worker answers a ping; while the broker is away, nobody can tell."""
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


PROBES: dict[str, Callable[[], bool]] = {"web": web, "worker": worker, "beat": beat}

if __name__ == "__main__":
    sys.exit(0 if PROBES[sys.argv[1]]() else 1)
