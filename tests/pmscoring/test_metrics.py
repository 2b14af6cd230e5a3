"""What Prometheus reads, and that it is right with several gunicorn workers."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as project
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from pmscoring import metrics
from pmscoring.base.published_load import LOAD_KEY
from pmscoring.base.watched import Watched
from scoring.machine.load import measure
from scoring.models import ApiToken
from tests.outages import a_migration_missing, redis_away, silent_port

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
database = pytest.mark.django_db(transaction=True)


def samples(text: str) -> Samples:
    """Every sample of a page, none of them told twice."""
    told: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in told
            told[key] = sample.value
    headers = [line for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(headers) == len(set(headers))
    return told


def page() -> str:
    response = Client().get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    return response.content.decode()


def scrape() -> Samples:
    return samples(page())


def requests(told: Samples, method: str, endpoint: str, status: str) -> float:
    labels = (("endpoint", endpoint), ("method", method), ("status", status))
    return told.get(("http_requests_total", labels), 0.0)


@pytest.fixture
def load() -> Iterator["redis.Redis"]:
    """Where scoring publishes."""
    with redis.Redis.from_url(project.CACHE_URL) as client:
        client.delete(LOAD_KEY)
        yield client
        client.delete(LOAD_KEY)


@database
def test_requests_are_counted_by_route_method_and_status() -> None:
    before = scrape()
    Client().get("/api/v1/exams/PM-2026")
    Client().get("/api/v1/exams/PM-2027")
    Client().get("/no/such/page")
    Client().get("/no/other/page")
    Client().get("/static/no-such-file.css")
    Client().get("/health/live")
    Client().generic("BREW", "/api/v1/exams")
    after = scrape()

    def more(*labels: str) -> float:
        return requests(after, *labels) - requests(before, *labels)

    assert more("GET", "/api/v1/exams/<slug:code>", "401") == 2
    assert more("GET", "unmatched", "404") == 2
    assert more("GET", "/health/live", "200") == 1
    assert more("GET", "/static/", "404") == 1
    assert more("other", "/api/v1/exams", "401") + more("other", "/api/v1/exams", "405") == 1
    assert not [key for key in after if "PM-2026" in str(key)]
    seconds = (("endpoint", "/api/v1/exams/<slug:code>"), ("method", "GET"))
    assert after[("http_request_duration_seconds_count", seconds)] >= 2


@database
def test_a_request_refused_before_its_route_was_looked_for_counts_under_it() -> None:
    labels = ("GET", "/api/v1/exams", "400")
    before = requests(scrape(), *labels)
    Client(headers={"Host": "not.ours.example"}).get("/api/v1/exams")
    assert requests(scrape(), *labels) == before + 1


@database
def test_it_tells_the_load_that_scoring_published(load: "redis.Redis") -> None:
    load.set(LOAD_KEY, json.dumps(measure() | {"waiting": 7, "scoring": 3}))
    told = scrape()
    assert told[("pmscoring_load_waiting", ())] == 7
    assert told[("active_scoring_tasks", ())] == 3
    assert told[("pmscoring_load_oldest_seconds", ())] == 0
    assert told[("pmscoring_load_rate", ())] == 0
    assert ("pmscoring_load_agreement", ()) not in told
    load.set(LOAD_KEY, json.dumps({"agreement": 0.81}))
    assert scrape()[("pmscoring_load_agreement", ())] == 0.81


def no_load(told: Samples) -> bool:
    return not [name for name, _ in told if "load" in name or name == "active_scoring_tasks"]


@database
def test_a_load_that_is_not_there_is_missing_and_not_zero(
    load: "redis.Redis", settings: Settings
) -> None:
    assert no_load(scrape())
    load.set(LOAD_KEY, "not json")
    assert no_load(scrape())
    redis_away(settings)
    assert no_load(scrape())


@database
def test_a_redis_that_hangs_does_not_hold_up_the_page(settings: Settings) -> None:
    with silent_port() as port:
        settings.CACHE_URL = f"redis://127.0.0.1:{port}/0"
        began = time.monotonic()
        told = page()
        assert time.monotonic() - began < 3
        assert no_load(samples(told))


@database
def test_servers_whose_names_do_not_resolve_do_not_hold_up_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = threading.Event()

    def hang() -> None:
        named.wait(20)

    hung = {"LOAD": Watched(hang), "MIGRATIONS": Watched(hang)}
    for name, watched in hung.items():
        monkeypatch.setattr(metrics, name, watched)
    try:
        for _ in range(2):
            began = time.monotonic()
            text = page()
            assert time.monotonic() - began < 3
            told = samples(text)
            assert no_load(told)
            assert not [name for name, _ in told if name.startswith("django_migrations")]
        assert [len(watched.executor._threads) for watched in hung.values()] == [1, 1]
    finally:
        named.set()


@database
def test_it_counts_migrations_cache_and_database() -> None:
    cache.get("never-set")
    cache.set("set", 1)
    assert cache.get("set") == 1
    told = scrape()
    connection = (("connection", "default"),)
    assert told[("django_migrations_unapplied_total", connection)] == 0
    assert told[("django_migrations_applied_total", connection)] > 20
    for name in ("get_total", "get_hits_total", "get_misses_total"):
        assert told[(f"django_cache_{name}", (("backend", "redis"),))] >= 1
    queries = (("alias", "default"), ("vendor", "postgresql"))
    assert told[("django_db_execute_total", queries)] > 0
    with a_migration_missing():
        assert scrape()[("django_migrations_unapplied_total", connection)] == 1


@database
def test_only_insiders_may_read_it(settings: Settings) -> None:
    settings.INTERNAL_NETWORKS = settings.INTERNAL_NETWORKS[:0]
    refused = Client().get("/metrics")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    user = User.objects.create_user("viewer")
    _, secret = ApiToken.issue(user)
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/metrics").status_code == 200
    guess = Client(headers={"Authorization": "Bearer pms_guess"})
    assert guess.get("/metrics").status_code == 403
    session = Client()
    session.force_login(user)
    assert session.get("/metrics").status_code == 200
