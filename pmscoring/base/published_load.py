"""The load that scoring publishes every few seconds: all that other parts learn of its work."""

import json
import logging
from functools import cache
from typing import Any

import redis

from pmscoring.base import connecting

log = logging.getLogger(__name__)
LOAD_KEY = "pmscoring:load"
EXPIRES_SECONDS = 20
READ_SECONDS = 1.0


@cache
def _store() -> "redis.Redis":
    """This process's connections to where the load is kept."""
    return connecting.cache()


def publish(load: dict[str, Any]) -> None:
    """Replace the published load; it is gone again after EXPIRES_SECONDS."""
    _store().set(LOAD_KEY, json.dumps(load), ex=EXPIRES_SECONDS)


def read() -> dict[str, Any]:
    """The load as scoring last published it; empty when that is too long ago, or Redis is away."""
    try:
        with connecting.cache(
            socket_timeout=READ_SECONDS, socket_connect_timeout=READ_SECONDS
        ) as client:
            content = client.get(LOAD_KEY)
        load = json.loads(content) if isinstance(content, bytes) else {}
    except (redis.RedisError, ValueError) as error:
        log.warning("the load cannot be read: %s", type(error).__name__)
        return {}
    return load if isinstance(load, dict) else {}
