"""What /health looks at: django-health-check's checks, and ours in their shape.

Messages are shown to operators and go into no log: they name the fault, never a URL or a secret.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import redis
from django.conf import settings
from django.db import DatabaseError
from health_check import checks as library
from health_check.base import HealthCheck
from health_check.contrib.redis import Redis as RedisPing
from health_check.exceptions import ServiceUnavailable
from kombu.exceptions import OperationalError
from redis.asyncio import Redis as AsyncRedis

from pmscoring.base import connecting
from pmscoring.celery import BEAT_KEY, app
from pmscoring.metrics import migrations
from scoring.inference import Inference, InferenceError

SECONDS = 1.5
ANSWER_SECONDS = 1.2
"""How long to wait for the next worker's answer; each answer starts the wait anew."""
REDIS_OPTIONS: dict[str, Any] = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
Database = library.Database


def _client(url: str, password: str) -> "AsyncRedis":
    return connecting.connected(AsyncRedis.from_url, url, password, **REDIS_OPTIONS)


@dataclass
class Redis(HealthCheck):
    """The broker and the cache answer a ping; most often they are one server."""

    async def run(self) -> None:
        """Ask each once."""
        servers = {settings.BROKER_URL: "BROKER_PASSWORD", settings.CACHE_URL: "CACHE_PASSWORD"}
        for url, password in sorted(servers.items()):
            await RedisPing(client_factory=partial(_client, url, password)).run()


@dataclass
class Migrations(HealthCheck):
    """Every migration of this version is applied."""

    def run(self) -> None:
        """Compare the files with the table."""
        try:
            _applied, missing = migrations()
        except DatabaseError as error:
            raise ServiceUnavailable("the database did not tell") from error
        if missing:
            raise ServiceUnavailable(f"{missing} migrations are missing")


@dataclass
class AiEngine(HealthCheck):
    """The inference service's own word."""

    model_loaded: bool = field(default=False, init=False, repr=False)

    def run(self) -> None:
        """Ask it; a service that still reads its weights answers 503."""
        try:
            health = Inference.from_settings().health(SECONDS)
        except InferenceError as error:
            raise ServiceUnavailable(str(error)) from error
        self.model_loaded = bool(health.get("model_loaded"))
        if not self.model_loaded:
            raise ServiceUnavailable("the model is not loaded")


class HeardEnough(Exception):
    """Nobody else need answer."""


@dataclass
class Worker(HealthCheck):
    """Some worker answers for each queue.

    Not the library's Ping: that one asks a single queue, or waits its whole time for all workers.
    """

    queues: ClassVar[set[str]] = {
        settings.CELERY_TASK_DEFAULT_QUEUE,
        *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values()),
    }

    def run(self) -> None:
        """Ask all at once, and listen until those who answered serve every queue."""
        try:
            served = self._served()
        except (OperationalError, redis.RedisError, OSError) as error:
            raise ServiceUnavailable("the broker is away") from error
        if not served:
            raise ServiceUnavailable("no worker answers")
        if missing := self.queues - served:
            raise ServiceUnavailable(f"no worker serves {', '.join(sorted(missing))}")

    def _served(self) -> set[str]:
        served: set[str] = set()

        def heard(reply: dict[str, list[dict[str, Any]]]) -> None:
            served.update(queue["name"] for queues in reply.values() for queue in queues)
            if self.queues <= served:
                raise HeardEnough

        with suppress(HeardEnough):
            app.control.inspect(timeout=ANSWER_SECONDS, callback=heard).active_queues()
        return served


@dataclass
class Beat(HealthCheck):
    """Beat has sent a task of late."""

    async def run(self) -> None:
        """Look for its sign of life, which expires."""
        try:
            async with _client(settings.CACHE_URL, "CACHE_PASSWORD") as client:
                is_alive = await client.exists(BEAT_KEY)
        except redis.RedisError as error:
            raise ServiceUnavailable("Redis is away, and beat's sign of life with it") from error
        if not is_alive:
            raise ServiceUnavailable("beat has sent nothing of late")


@dataclass
class Storage(library.Storage):
    """A file of an upload can be written, read and deleted."""

    timeout: ClassVar[timedelta] = timedelta(seconds=SECONDS)

    def run(self) -> None:
        """Do so."""
        try:
            super().run()
        except OSError as error:
            raise ServiceUnavailable(error.strerror or type(error).__name__) from error
