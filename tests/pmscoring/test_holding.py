"""While a restore holds the application, nobody works with the database."""

import errno
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import psycopg_pool
import pytest
import redis
from celery.exceptions import Ignore
from django.conf import settings as django_settings
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import Settings

import opsconsole.tasks  # noqa: F401 - makes its tasks known
from pmscoring import holding
from pmscoring.base import hold
from pmscoring.beat import LOOK_SECONDS, RECOVER, HeldScheduler
from pmscoring.celery import app
from tests.outages import redis_away
from tests.waiting import wait_until

HOLDING = django_settings.CACHE_URL


@pytest.fixture(autouse=True)
def nobody_holds() -> Iterator[None]:
    hold.forget()
    yield
    redis.Redis.from_url(HOLDING).delete(hold.KEY)
    hold.forget()


def held_by_another() -> None:
    redis.Redis.from_url(HOLDING).set(hold.KEY, "another", ex=hold.EXPIRES_SECONDS)
    hold.forget()


def test_it_answers_a_page_in_both_languages() -> None:
    with hold.held():
        response = Client().get("/admin/")
    page = response.content.decode()
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert "しばらくお待ちください" in page
    assert "Please wait a moment" in page
    assert 'http-equiv="refresh"' in page


def test_it_does_not_send_a_form_again_by_itself() -> None:
    with hold.held():
        response = Client().post("/admin/login/", {"username": "somebody"})
    assert response.status_code == 503
    assert b'http-equiv="refresh"' not in response.content
    assert b"was not saved" in response.content


def test_it_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with hold.held():
        Client().get("/admin/")
    assert [record.levelname for record in caplog.records if record.name != "web"] == []


def test_it_answers_a_problem_below_the_api() -> None:
    with hold.held():
        response = Client().get("/api/v1/exams")
    assert response.status_code == 503
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "10"
    assert response.json()["status"] == 503


@pytest.mark.django_db
def test_it_lets_health_checks_through() -> None:
    with hold.held():
        assert Client().get("/health/live").status_code == 200
        assert Client().get("/health/ready").status_code == 200


@pytest.mark.django_db
def test_it_opens_again() -> None:
    with hold.held():
        pass
    assert Client().get("/admin/login/").status_code == 200


def test_it_expires_when_the_process_that_holds_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "EXPIRES_SECONDS", 1)
    held_by_another()
    assert hold.is_held()
    wait_until(lambda: not hold.is_held(), seconds=5)


def test_it_is_renewed_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "EXPIRES_SECONDS", 1)
    monkeypatch.setattr(hold, "RENEW_SECONDS", 0.2)
    with hold.held():
        # Longer than it would last by itself.
        assert not threading.Event().wait(1.5)
        hold.forget()
        assert hold.is_held()


def test_it_leaves_the_hold_of_another_alone() -> None:
    with hold.held():
        held_by_another()
    assert hold.is_held()


def test_nobody_is_held_while_redis_is_away(settings: Settings) -> None:
    redis_away(settings)
    with hold.held():
        assert not hold.is_held()


@app.task(name="tests.nudge")
def nudge() -> str:
    return "ran"


@app.task(name="opsconsole.tests.nudge")
def nudge_of_the_console() -> str:
    return "ran"


def as_message(task: Any) -> Any:
    """The task as a worker runs it."""
    task.push_request(called_directly=False)
    try:
        return task()
    finally:
        task.pop_request()


def test_a_worker_drops_a_message_of_another_app() -> None:
    held_by_another()
    with pytest.raises(Ignore):
        as_message(nudge)


def test_a_worker_runs_tasks_of_the_console_and_after_the_hold_all() -> None:
    assert as_message(nudge) == "ran"
    held_by_another()
    assert as_message(nudge_of_the_console) == "ran"


def test_beat_asks_for_a_recovery_alone_and_touches_no_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(app, "send_task", lambda name, **options: sent.append(name))
    scheduler = HeldScheduler(app=app, lazy=True)
    held_by_another()
    # Without the mark django_db, a query would fail the test.
    assert [scheduler.tick() for _ in range(3)] == [LOOK_SECONDS] * 3
    assert tuple(sent) == RECOVER
    assert set(RECOVER) <= set(app.tasks)


def test_a_recovery_ends_the_hold_of_the_dead() -> None:
    held_by_another()
    assert hold.is_held()
    hold.lift()
    assert not hold.is_held()


def caused_by(cause: BaseException) -> OperationalError:
    error = OperationalError("from Django")
    error.__cause__ = cause
    return error


AWAY = [
    psycopg.errors.AdminShutdown("57P01"),
    psycopg.OperationalError("connection failed"),
    psycopg_pool.PoolTimeout("no connection after 10.00 sec"),
]


@pytest.mark.parametrize("cause", AWAY, ids=lambda cause: type(cause).__name__)
def test_a_database_that_takes_no_connections_is_no_crash(cause: BaseException) -> None:
    request = RequestFactory().get("/admin/")
    try:
        raise caused_by(cause)
    except OperationalError:
        response = holding.failed(request)
    assert response.status_code == 503


FULL = [
    psycopg.errors.DiskFull("53100"),
    psycopg.errors.ReadOnlySqlTransaction("25006"),
    OSError(errno.ENOSPC, "No space left on device"),
]


@pytest.mark.parametrize("cause", FULL, ids=lambda cause: type(cause).__name__)
@pytest.mark.parametrize("path", ["/api/v1/submissions", "/admin/scoring/upload/add/"])
def test_a_full_disk_is_told_with_its_reason_and_is_no_crash(
    cause: BaseException, path: str
) -> None:
    request = RequestFactory().post(path)
    try:
        raise caused_by(cause)
    except OperationalError:
        response = holding.failed(request)
    assert response.status_code == 507
    assert response["Retry-After"] == "60"
    if path.startswith("/api/"):
        assert response["Content-Type"] == "application/problem+json"
        assert "The disk is full, and nothing was saved" in response.content.decode()
    else:
        assert "空き容量がありません" in response.content.decode()


def test_another_error_stays_a_crash() -> None:
    request = RequestFactory().get("/admin/")
    try:
        raise caused_by(psycopg.errors.DeadlockDetected("40P01"))
    except OperationalError:
        response = holding.failed(request)
    assert response.status_code == 500
