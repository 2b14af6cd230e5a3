"""One request at a time, of all workers', for texts that take the inference service long.

Those are long texts, and answers that were in a request to which the service gave no answer. While
one worker waits for them, the others score what everybody else has handed in.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from django.conf import settings
from django.core.cache import cache

log = logging.getLogger(__name__)
KEY = "scoring:slow"


@contextmanager
def turn() -> Iterator[bool]:
    """Whether the lane is this worker's until the end of the `with`; without a cache it is.

    Two workers may ask at once: `add` lets one of them have it. A worker that dies leaves the lane
    taken until the request that it had sent must be over.
    """
    try:
        is_free = cache.add(KEY, True, round(settings.INFERENCE_TIMEOUT) + 1)
    except (redis.RedisError, OSError) as error:
        log.warning("slow texts are scored side by side: %s", type(error).__name__)
        is_free = True
    try:
        yield is_free
    finally:
        if is_free:
            _leave()


def _leave() -> None:
    try:
        cache.delete(KEY)
    except (redis.RedisError, OSError) as error:
        log.warning("the slow lane stays taken for a while: %s", type(error).__name__)
