"""Signs of life of the queues: beat sends a task to each, whose worker writes the time.

So a time that moves says that beat, the broker and a worker of that queue do their part.
"""

import logging
import time

import redis

from pmscoring.base import connecting

log = logging.getLogger(__name__)
KEY = "pmscoring:heartbeats"
READ_SECONDS = 1.0


def beat(queue: str) -> None:
    """Write that a worker of this queue works now."""
    with _store() as store:
        store.hset(KEY, queue, str(time.time()))


def read() -> dict[str, float]:
    """When each queue last did (seconds since 1970); empty when Redis is away."""
    try:
        with _store() as store:
            beats = store.hgetall(KEY)
        return {queue.decode(): float(at) for queue, at in beats.items()}
    except (redis.RedisError, ValueError) as error:
        log.warning("the heartbeats cannot be read: %s", type(error).__name__)
        return {}


def _store() -> "redis.Redis":
    return connecting.cache(socket_timeout=READ_SECONDS, socket_connect_timeout=READ_SECONDS)
