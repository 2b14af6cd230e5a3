"""The hold: while a restore swaps the database, or a deployment changes what old code could not
live with, nobody works with it.

It is a key in the cache's Redis that expires by itself unless the restoring process renews it, so
a process that dies holds nobody for longer than EXPIRES_SECONDS. The web server answers 503, tasks
and beat send nothing. Redis may be away, or evict the key: then the database, which refuses
connections in that time, makes the web server answer the same (pmscoring/holding.py).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

import redis

from pmscoring.base import connecting

log = logging.getLogger(__name__)
KEY = "pmscoring:hold"
EXPIRES_SECONDS = 120
"""Time enough for another worker to undo the restore of one that died, while nobody else works."""
RENEW_SECONDS = 5.0
TIMEOUT_SECONDS = 1.0
FRESH_SECONDS = 0.5
"""How long a process believes its last look: less than a restore waits after it has the hold."""
AWAY_SECONDS = 5.0
"""How long a process does without the next look when Redis was away, which takes a while to see."""


class _Look:
    """What this process saw last, and until when it is fresh. One assignment replaces it."""

    seen: tuple[bool, float] = (False, 0.0)


def is_held() -> bool:
    """Whether the application is held; false while Redis does not tell."""
    held, until = _Look.seen
    if time.monotonic() < until:
        return held
    try:
        with _client() as client:
            held, fresh = bool(client.exists(KEY)), FRESH_SECONDS
    except redis.RedisError as error:
        log.warning("whether the application is held cannot be read: %s", type(error).__name__)
        held, fresh = False, AWAY_SECONDS
    _Look.seen = (held, time.monotonic() + fresh)
    return held


def forget() -> None:
    """Let the next call of `is_held` look anew."""
    _Look.seen = (False, 0.0)


@contextmanager
def held() -> Iterator[None]:
    """Hold the application for as long as the `with` lasts, and for a moment before it begins.

    The moment lets every process see the hold. Where Redis is away the database alone holds them.
    """
    mine, over = uuid4().hex, Event()
    renewing = Thread(target=_renew, args=(mine, over), name="hold", daemon=True)
    _write(mine)
    renewing.start()
    over.wait(FRESH_SECONDS)
    try:
        yield
    finally:
        over.set()
        renewing.join()
        _release(mine)
        forget()


def renew(holder: str) -> None:
    """Hold the application for EXPIRES_SECONDS from now, for work that renews it by itself.

    Work that several processes do one after another has one name for all of them.
    """
    _write(holder)


def lift() -> None:
    """End the hold of work that has ended, or has died; the caller has dealt with what it left."""
    try:
        with _client() as client:
            client.delete(KEY)
    except redis.RedisError as error:
        log.warning("the hold ends by itself: %s", type(error).__name__)
    forget()


def _renew(mine: str, over: Event) -> None:
    while not over.wait(RENEW_SECONDS):
        _write(mine)


def _write(mine: str) -> None:
    try:
        with _client() as client:
            client.set(KEY, mine, ex=EXPIRES_SECONDS)
    except redis.RedisError as error:
        log.warning("the application cannot be held by Redis: %s", type(error).__name__)


def _release(mine: str) -> None:
    try:
        with _client() as client:
            # Between the two commands the key could only become another restore's, and a lock in
            # PostgreSQL lets one restore run at a time.
            if client.get(KEY) == mine.encode():
                client.delete(KEY)
    except redis.RedisError as error:
        log.warning("the hold ends in %d s: %s", EXPIRES_SECONDS, type(error).__name__)


def _client() -> "redis.Redis":
    return connecting.cache(socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
