"""Health, with each fault caused."""

import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from pmscoring.health import checks
from scoring import access
from scoring.models import ApiToken
from tests.local_servers import free_port
from tests.outages import a_migration_missing, redis_at, redis_away, silent_port

PARTS = {"database", "redis", "ai_engine", "worker", "beat", "migrations", "storage"}
BOUND = 3.0
database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that are not about the worker run without one, and need not wait for its answer."""
    monkeypatch.setattr(checks, "ANSWER_SECONDS", 0.1)


def ask(path: str = "/health", client: Client | None = None) -> tuple[int, dict[str, Any]]:
    """Status and document, which must not be long in coming."""
    began = time.monotonic()
    response: HttpResponse = (client or Client()).get(path)  # type: ignore[assignment]
    assert time.monotonic() - began < BOUND
    return response.status_code, response.json()  # type: ignore[attr-defined]


def ill(document: dict[str, Any]) -> set[str]:
    return {name for name, one in document["checks"].items() if one["status"] != "healthy"}


@database
def test_it_tells_of_every_part_in_the_promised_shape() -> None:
    status, told = ask()
    assert status == 200
    assert set(told) == {"status", "uptime_seconds", "timestamp", "checks"}
    assert set(told["checks"]) == PARTS
    assert told["status"] == "degraded"
    assert {"worker", "beat", "ai_engine"} == ill(told)
    assert told["checks"]["ai_engine"]["model_loaded"] is False
    for name, check in told["checks"].items():
        assert check["latency_ms"] > 0, name


@database
@pytest.mark.usefixtures("impatient")
def test_it_says_that_the_model_is_loaded(settings: Settings, inference_url: str) -> None:
    settings.INFERENCE_URL = inference_url
    checks = ask()[1]["checks"]
    assert (checks["ai_engine"]["status"], checks["ai_engine"]["model_loaded"]) == ("healthy", True)


@database
def test_a_redis_that_refuses_degrades(settings: Settings) -> None:
    redis_away(settings)
    status, told = ask()
    assert (status, told["status"]) == (200, "degraded")
    assert {"redis", "beat"} <= ill(told)
    assert ask("/health/ready")[0] == 200


@database
def test_a_redis_that_hangs_degrades_within_the_bound(settings: Settings) -> None:
    with silent_port() as port:
        redis_at(settings, port)
        status, told = ask()
    assert (status, told["status"]) == (200, "degraded")
    assert {"redis", "beat"} <= ill(told)
    assert not {"database", "migrations", "storage"} & ill(told)


@database
@pytest.mark.usefixtures("impatient")
def test_an_inference_service_that_is_away_or_hangs_degrades(settings: Settings) -> None:
    settings.INFERENCE_URL = f"http://127.0.0.1:{free_port()}"
    assert "ConnectError" in ask()[1]["checks"]["ai_engine"]["detail"]
    time.sleep(0.6)
    with silent_port() as port:
        settings.INFERENCE_URL = f"http://127.0.0.1:{port}"
        status, told = ask()
    assert (status, "ai_engine" in ill(told)) == (200, True)


@database
@pytest.mark.usefixtures("impatient")
def test_a_missing_migration_means_not_ready() -> None:
    with a_migration_missing():
        assert ask("/health/ready") == (503, {"status": "unhealthy"})
        status, told = ask()
    assert (status, told["status"]) == (200, "degraded")
    assert told["checks"]["migrations"]["detail"] == "1 migrations are missing"


@database
@pytest.mark.usefixtures("impatient")
def test_a_folder_that_takes_no_file_degrades(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "uploads"
    status, told = ask()
    assert (status, told["checks"]["storage"]["status"]) == (200, "unhealthy")
    settings.MEDIA_ROOT = tmp_path / "uploads"
    time.sleep(0.6)
    assert ask()[1]["checks"]["storage"]["status"] == "healthy"
    assert not [path for path in tmp_path.rglob("*.txt") if path.is_file()]


@database
def test_a_flood_of_requests_runs_no_check_twice(settings: Settings) -> None:
    with silent_port() as port, ThreadPoolExecutor(12) as callers:
        redis_at(settings, port)
        began = time.monotonic()
        told = list(callers.map(lambda _: ask()[1], range(12)))
        assert time.monotonic() - began < BOUND
    assert all("redis" in ill(one) and "database" not in ill(one) for one in told)


def test_live_needs_neither_database_nor_redis_nor_a_known_host(settings: Settings) -> None:
    # A test without the database mark is refused every connection.
    redis_away(settings)
    client = Client(headers={"Host": "10.1.2.3:8000"})
    client.cookies["sessionid"] = "x" * 32
    assert ask("/health/live", client) == (200, {"status": "healthy"})


def details_for(client: Client) -> bool:
    return "checks" in ask("/health", client)[1]


@database
@pytest.mark.usefixtures("impatient")
def test_details_are_for_the_internal_network_and_known_callers(settings: Settings) -> None:
    settings.INTERNAL_NETWORKS = settings.INTERNAL_NETWORKS[:0]
    assert not details_for(Client())
    user = User.objects.create_user("viewer")
    token, secret = ApiToken.issue(user)
    known = Client(headers={"Authorization": f"Bearer {secret}"})
    assert details_for(known)
    assert access.revoke(user, [token.pk]) == [token.pk]
    assert not details_for(known)
    session = Client()
    session.force_login(user)
    assert details_for(session)
    user.is_active = False
    user.save()
    assert not details_for(session)


@database
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("address", "headers", "seen"),
    [
        ("10.20.0.7", {}, True),
        ("::ffff:10.20.0.7", {}, True),
        ("10.21.0.7", {}, False),
        ("", {}, False),
        ("10.20.0.1", {"X-Forwarded-For": "203.0.113.9"}, False),
        ("10.20.0.1", {"X-Forwarded-For": "10.20.0.7"}, False),
        ("10.20.0.1", {"Forwarded": "for=10.20.0.7"}, False),
        ("203.0.113.9", {"X-Forwarded-For": "10.20.0.7"}, False),
    ],
)
def test_a_proxy_speaks_for_the_whole_world(
    settings: Settings, address: str, headers: dict[str, str], seen: bool
) -> None:
    settings.INTERNAL_NETWORKS = [ipaddress.ip_network("10.20.0.0/16")]
    assert details_for(Client(REMOTE_ADDR=address, headers=headers)) is seen
