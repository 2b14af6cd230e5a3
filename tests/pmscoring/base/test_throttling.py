"""Limits on callers, which a Redis that is away lifts, and which never stop intake."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.throttling import SimpleRateThrottle

from pmscoring.base import throttling
from pmscoring.base.logs import Rarely
from tests.clients import client_of
from tests.local_servers import free_port
from tests.outages import redis_at, redis_away, silent_port

database = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def start_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """No window turns while a test counts: a minute began now."""
    monkeypatch.setattr(throttling.Windows, "timer", staticmethod(lambda: 1_800_000_000.0))


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The rates, to be changed."""
    made = {"user": "5/min", "score": "2/min", "tokens": "2/min", "refused": "3/min"}
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", made)
    return made


def caller(name: str = "root") -> Client:
    return client_of(User.objects.create_superuser(name))


def statuses(client: Client, count: int, path: str = "/api/v1/exams", **more: Any) -> list[int]:
    return [client.get(path, **more).status_code for _ in range(count)]


def test_threads_that_ask_first_at_once_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    made = redis.Redis.from_url

    def slowly(*args: Any, **options: Any) -> "redis.Redis":
        time.sleep(0.2)
        return made(*args, **options)

    monkeypatch.setattr(redis.Redis, "from_url", slowly)
    url = f"redis://127.0.0.1:{free_port()}/0"
    with ThreadPoolExecutor(4) as threads:
        clients = list(threads.map(throttling.counters, [url] * 4))

    assert all(client is clients[0] for client in clients)


@database
def test_a_caller_over_the_rate_is_told_when_to_come_again(rates: dict[str, str]) -> None:
    one, other = caller("one"), caller("other")
    assert statuses(one, 7) == [200] * 5 + [429] * 2
    refused = one.get("/api/v1/exams")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["status"] == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert statuses(other, 1) == [200]


@database
def test_the_next_window_is_free_again(
    rates: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = caller()
    assert statuses(one, 6)[-1] == 429
    monkeypatch.setattr(throttling.Windows, "timer", staticmethod(lambda: 1_800_000_060.0))
    assert statuses(one, 1) == [200]


@database
def test_scoring_at_once_and_tokens_have_rates_of_their_own(rates: dict[str, str]) -> None:
    rates["user"] = "100/min"
    one = caller()
    told = [
        one.post("/api/v1/tokens", {"name": "x"}, content_type="application/json").status_code
        for _ in range(3)
    ]
    assert told == [201, 201, 429]
    assert statuses(one, 1) == [200]
    path, body = "/api/v1/score", {"text": "x"}
    told = [one.post(path, body, content_type="application/json").status_code for _ in range(3)]
    assert told[2] == 429
    assert 429 not in told[:2]


@database
def test_an_address_that_is_refused_too_often_waits_but_good_tokens_pass(
    rates: dict[str, str],
) -> None:
    good = caller()
    guessing = Client(headers={"Authorization": "Bearer pms_guess"})
    assert statuses(guessing, 2) + statuses(Client(), 2) == [401, 401, 401, 429]
    assert int(guessing.get("/api/v1/exams")["Retry-After"]) > 0
    assert statuses(good, 1) == [200]
    assert statuses(guessing, 1, REMOTE_ADDR="203.0.113.5") == [401]


@database
def test_only_what_our_own_proxies_say_names_the_caller(
    rates: dict[str, str], settings: Settings
) -> None:
    def status(forwarded: str) -> int:
        return Client().get("/api/v1/exams", headers={"X-Forwarded-For": forwarded}).status_code

    assert [status(f"198.51.100.{n}") for n in range(4)] == [401, 401, 401, 429]
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert [status(f"198.51.100.{n}, 203.0.113.1") for n in range(4)] == [401, 401, 401, 429]
    assert status("203.0.113.1, 203.0.113.2") == 401


@database
@pytest.mark.parametrize("silent", [False, True])
def test_without_redis_calls_pass_and_the_log_says_so_once(
    rates: dict[str, str],
    settings: Settings,
    silent: bool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(throttling, "once_a_minute", Rarely(60))
    one = caller()
    with silent_port() as port, caplog.at_level(logging.WARNING):
        redis_at(settings, port) if silent else redis_away(settings)
        began = time.monotonic()
        assert statuses(one, 8) == [200] * 8
        assert statuses(Client(), 5) == [401] * 5
        # The first waits a second for Redis; thirteen would, were that forgotten.
        assert time.monotonic() - began < 10
    warnings = [record for record in caplog.records if record.name == throttling.__name__]
    assert len(warnings) == 1
