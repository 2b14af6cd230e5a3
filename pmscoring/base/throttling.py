"""Limits on how often a caller may call; a cache that is away limits nobody.

Calls are counted in windows of the rate's length that begin together for all callers: one number
in the cache for each caller and window, added to in one step, so that several processes count
right. Around the turn of a window up to twice the rate may pass.
"""

import logging
import time
from contextlib import suppress
from threading import Lock
from typing import Any, ClassVar, cast

import redis
from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, Throttled
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle, UserRateThrottle

from pmscoring.base import connecting
from pmscoring.base.addresses import address_of
from pmscoring.base.logs import Rarely

log = logging.getLogger(__name__)
ASK_AGAIN_SECONDS = 5.0
SECONDS = 1.0
once_a_minute = Rarely(60.0)
_clients: dict[str, "redis.Redis"] = {}
_making = Lock()


def counters(url: str) -> "redis.Redis":
    """This process's connections to where the calls are counted.

    One client for all threads. Two threads may ask first at the same instant; without the lock each
    would make a client, and the one that is not kept would close its connections while in use.
    """
    with _making:
        if url not in _clients:
            _clients[url] = connecting.connected(
                redis.Redis.from_url,
                url,
                "CACHE_PASSWORD",
                socket_timeout=SECONDS,
                socket_connect_timeout=SECONDS,
            )
        return _clients[url]


class Windows(SimpleRateThrottle):
    """Counts in windows instead of keeping a list of all calls."""

    # A cache that answers nobody must not hold up every request for its time-out.
    away_until: ClassVar[float] = 0.0
    num_requests: int
    duration: int
    now: float

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the caller may; True also while the cache is away."""
        key = self.get_cache_key(request, view)
        if key is None or self.rate is None:
            return True
        self.now = self.timer()
        if time.monotonic() < Windows.away_until:
            return True
        try:
            return self._count(self._window(key)) <= self.num_requests
        except (redis.RedisError, OSError) as error:
            Windows.away_until = time.monotonic() + ASK_AGAIN_SECONDS
            if once_a_minute():
                log.warning("the cache is away, nobody is throttled: %s", type(error).__name__)
            return True

    def get_ident(self, request: Request) -> str:
        """The caller's address."""
        return address_of(request)

    def wait(self) -> float:
        """Seconds until the next window."""
        return self.duration - self.now % self.duration

    def _window(self, key: str) -> str:
        """The key of the present window."""
        return f"{key}:{int(self.now // self.duration)}"

    def _count(self, key: str, step: int = 1) -> int:
        """Add to the count and return the new one, in one round trip."""
        with counters(settings.CACHE_URL).pipeline(transaction=False) as calls:
            calls.incrby(f"pmscoring:{key}", step)
            calls.expire(f"pmscoring:{key}", self.duration * 2)
            return int(calls.execute()[0])


class CallerThrottle(Windows, UserRateThrottle):
    """Calls of a user, or of an address where there is no user, but for those with a scope."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the caller may call."""
        scoped = bool(getattr(view, ScopeThrottle.scope_attr, None))
        return scoped or super().allow_request(request, view)


class ScopeThrottle(Windows, ScopedRateThrottle):
    """Calls of views that name a `throttle_scope`, a user at a time."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the caller may call this view."""
        self.scope = getattr(view, self.scope_attr, None)
        if not self.scope:
            return True
        self.rate = self.get_rate()
        self.num_requests, self.duration = cast("tuple[int, int]", self.parse_rate(self.rate))
        return Windows.allow_request(self, request, view)


class RefusedThrottle(Windows):
    """Refused credentials of an address; who brings good ones is never kept out by it."""

    scope = "refused"

    def get_cache_key(self, request: Request, view: Any) -> str:
        """By address alone; NUM_PROXIES says whose word on it counts."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class SignInWindow(Windows):
    """Tries to sign in of one account, one address or both, as `ident` says."""

    scope = "sign_in"

    def __init__(self, ident: str, factor: int = 1) -> None:
        super().__init__()
        self.ident = ident
        self.num_requests *= factor

    @property
    def ident_key(self) -> str:
        """The key of what is counted."""
        return self.cache_format % {"scope": self.scope, "ident": self.ident}

    def get_cache_key(self, request: Request, view: Any) -> str:
        """By what is counted, whoever calls."""
        return self.ident_key

    def take_back(self) -> None:
        """Uncount the try that `allow_request` counted last."""
        if time.monotonic() < Windows.away_until:
            return
        with suppress(redis.RedisError, OSError):
            self._count(self._window(self.ident_key), -1)


def count_refusal(error: Exception, context: dict[str, Any]) -> Exception:
    """The error to answer with: a 429 for an address that was refused too often."""
    if not isinstance(error, AuthenticationFailed | NotAuthenticated):
        return error
    throttle = RefusedThrottle()
    if throttle.allow_request(context["request"], context["view"]):
        return error
    return Throttled(throttle.wait())
