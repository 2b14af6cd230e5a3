"""Whether the inference service has refused requests for marks of late, because it was full.

Any worker may have been refused, and one of them publishes the load: they share it in the cache.
"""

import logging

import redis
from django.core.cache import cache

log = logging.getLogger(__name__)
KEY = "inference_full"
SECONDS = 60
"""For so long after a refusal: answers that were refused a few times wait about as long."""


def note() -> None:
    """Keep that a request was refused just now; marks do not need a cache, so it may be away."""
    try:
        cache.set(KEY, True, SECONDS)
    except (redis.RedisError, OSError) as error:
        log.warning("that the inference service is full is not kept: %s", type(error).__name__)


def is_full() -> bool:
    """Whether one was refused of late."""
    return bool(cache.get(KEY))
