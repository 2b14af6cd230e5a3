"""What Prometheus reads of a web process: HTTP, cache, database, migrations and the load.

Counters are added up over gunicorn's workers through files (see pmscoring/gunicorn.py). What all
workers would say alike, such as the load, the migrations and backups, is read when Prometheus asks.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any

import redis
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django_prometheus import migrations as library_migrations
from django_prometheus.cache import metrics as cache_metrics
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pmscoring.base import collectors, heartbeats, published_load
from pmscoring.base.watched import Watched

log = logging.getLogger(__name__)
WAIT_SECONDS = 2.0
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# What has not happened yet is told as 0: a series that begins with its first event shows neither
# the event nor that there was none.
for counter in (
    cache_metrics.django_cache_get_total,
    cache_metrics.django_cache_hits_total,
    cache_metrics.django_cache_misses_total,
    cache_metrics.django_cache_get_fail_total,
):
    counter.labels(backend="redis")
REQUESTS = Counter("http_requests_total", "HTTP requests", ["method", "endpoint", "status"])
# We tell these two ourselves, see MigrationsCollector.
for gauge in (library_migrations.unapplied_migrations, library_migrations.applied_migrations):
    REGISTRY.unregister(gauge)
SECONDS = Histogram(
    "http_request_duration_seconds", "Seconds until the response began", ["method", "endpoint"]
)
HEARTBEAT = "pmscoring_task_heartbeat_timestamp_seconds"
# Key of the published load -> series.
SERIES = {
    "waiting": ("pmscoring_load_waiting", "Answers that are not yet scored"),
    "oldest_seconds": ("pmscoring_load_oldest_seconds", "Age of the oldest of them"),
    "rate": ("pmscoring_load_rate", "Answers scored a second, over the last minute"),
    "agreement": (
        "pmscoring_load_agreement",
        "Share of the newest audit sample in which machine and people agree exactly",
    ),
    "scoring": ("active_scoring_tasks", "Answers that a worker holds at this moment"),
}


class HttpMetricsMiddleware:
    """Counts and times every request under its route's pattern, never under its raw path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, counted."""
        started = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        endpoint = endpoint_of(request)
        SECONDS.labels(method, endpoint).observe(time.perf_counter() - started)
        REQUESTS.labels(method, endpoint, str(response.status_code)).inc()
        return response


def endpoint_of(request: HttpRequest) -> str:
    """The pattern of the request's route, or `unmatched`: as many as there are routes."""
    if request.path_info.startswith(settings.STATIC_URL):
        return str(settings.STATIC_URL)
    match = request.resolver_match
    if match is None:
        # A middleware answered before the route was looked for.
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return "unmatched"
    return f"/{match.route}"


class CountedRedisCache(RedisCache):
    """Django's own Redis cache, counted in django-prometheus's series.

    The library's class for it cannot be imported without a second Redis client installed.
    """

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, counted as a hit or a miss or a failure."""
        cache_metrics.django_cache_get_total.labels(backend="redis").inc()
        missing = object()
        try:
            value = super().get(key, missing, version)
        except (redis.RedisError, OSError):
            cache_metrics.django_cache_get_fail_total.labels(backend="redis").inc()
            raise
        if value is missing:
            cache_metrics.django_cache_misses_total.labels(backend="redis").inc()
            return default
        cache_metrics.django_cache_hits_total.labels(backend="redis").inc()
        return value


class LoadCollector(Collector):
    """What scoring publishes; what it did not publish is missing, and never 0."""

    def __init__(self, load: dict[str, Any]) -> None:
        self.load = load

    def collect(self) -> Iterator[Metric]:
        """One gauge for each figure there is."""
        for key, (name, description) in SERIES.items():
            if (value := self.load.get(key)) is not None:
                yield GaugeMetricFamily(name, description, value=value)


def migrations() -> tuple[int, int]:
    """How many migrations are applied, and how many of this version's are not."""
    with connection.temporary_connection():
        loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    return len(applied), len(set(loader.graph.nodes) - applied)


class HeartbeatCollector(Collector):
    """When a worker of each queue last did what beat had sent."""

    def __init__(self, beats: dict[str, float]) -> None:
        self.beats = beats

    def collect(self) -> Iterator[Metric]:
        """One gauge, with a sample for each queue."""
        family = GaugeMetricFamily(HEARTBEAT, "Last sign of life of a queue", labels=["queue"])
        for queue, at in self.beats.items():
            family.add_metric([queue], at)
        yield family


class AppsCollector(Collector):
    """What the apps have registered, see pmscoring/base/collectors.py."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        """Theirs."""
        yield from self.families


class MigrationsCollector(Collector):
    """Applied and missing migrations, under django-prometheus's names.

    The library asks the database when a process starts: that process would not start without
    one, and would never learn of a migration applied later.
    """

    def __init__(self, applied: int, missing: int) -> None:
        self.counts = (("unapplied", missing), ("applied", applied))

    def collect(self) -> Iterator[Metric]:
        """Two gauges."""
        for name, count in self.counts:
            family = GaugeMetricFamily(
                f"django_migrations_{name}_total", f"Migrations {name}", labels=["connection"]
            )
            family.add_metric([connection.alias], count)
            yield family


def _counted() -> tuple[int, int] | None:
    try:
        return migrations()
    except DatabaseError as error:
        log.warning("the migrations cannot be read: %s", type(error).__name__)
        return None


def _of_apps() -> list[Metric]:
    try:
        with connection.temporary_connection():
            return collectors.collect()
    except DatabaseError as error:
        log.warning("the apps' figures cannot be read: %s", type(error).__name__)
        return []


LOAD = Watched(published_load.read, fresh_seconds=0.0)
HEARTBEATS = Watched(heartbeats.read, fresh_seconds=0.0)
APPS = Watched(_of_apps, fresh_seconds=0.0)
MIGRATIONS = Watched(_counted, fresh_seconds=0.0)


def asked_now() -> CollectorRegistry:
    """What Redis and the database say now, without a server that is away or hangs.

    A server's name that does not resolve hangs for longer than the clients' own timeouts.
    """
    load, counts, beats, families = LOAD.look(), MIGRATIONS.look(), HEARTBEATS.look(), APPS.look()
    pending: list[Future[Any]] = [load, counts, beats, families]
    wait(pending, timeout=WAIT_SECONDS)
    registry = CollectorRegistry()
    if load.done():
        registry.register(LoadCollector(load.result()))
    if counts.done() and (totals := counts.result()):
        registry.register(MigrationsCollector(*totals))
    if beats.done():
        registry.register(HeartbeatCollector(beats.result()))
    if families.done():
        registry.register(AppsCollector(families.result()))
    return registry


def page(request: HttpRequest) -> HttpResponse:
    """GET /metrics."""
    ours = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        ours = CollectorRegistry()
        MultiProcessCollector(ours)  # type: ignore[no-untyped-call]
    body = generate_latest(ours) + generate_latest(asked_now())
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
