"""How many passwords may be tried on the admin's sign-in page."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from pmscoring.base import throttling
from pmscoring.base.admin import signing_in
from tests.outages import redis_away

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, HERE, ELSEWHERE = "/admin/login/", "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def start_of_a_window(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """No window turns while a test counts, and passwords are soon compared."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(throttling.Windows, "timer", staticmethod(lambda: 1_800_000_000.0))
    monkeypatch.setattr(signing_in, "OF_MANY", 2)
    for name in ("root", "boss"):
        User.objects.create_superuser(name, password=f"of {name}")


def sign_in(name: str, password: str, address: str = HERE) -> Any:
    body = {"username": name, "password": password}
    return Client(headers={"Accept-Language": "en"}).post(PAGE, body, REMOTE_ADDR=address)


def statuses(count: int, name: str = "root", address: str = HERE) -> list[int]:
    return [sign_in(name, "wrong", address).status_code for _ in range(count)]


def test_it_takes_ten_wrong_passwords_of_an_account_from_an_address() -> None:
    assert statuses(14) == [200] * 10 + [429] * 4
    refused = sign_in("root", "of root")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 3601
    assert b"Too many sign-ins failed. Try again in " in refused.content


def test_who_guesses_from_one_address_locks_nobody_out_elsewhere() -> None:
    statuses(50)
    assert sign_in("root", "of root", ELSEWHERE).status_code == 302
    assert sign_in("boss", "of boss", HERE).status_code == 302


def test_an_account_is_guarded_against_many_addresses() -> None:
    for number in range(20):
        assert statuses(1, address=f"198.51.100.{number}") == [200]
    assert sign_in("root", "of root", ELSEWHERE).status_code == 429


def test_an_address_that_tries_many_accounts_is_refused() -> None:
    for number in range(20):
        assert statuses(1, name=f"user-{number}") == [200]
    assert sign_in("root", "of root").status_code == 429
    assert sign_in("root", "of root", ELSEWHERE).status_code == 302


def test_signing_in_does_not_count() -> None:
    statuses(9)
    for _ in range(20):
        assert sign_in("root", "of root").status_code == 302
    assert statuses(2) == [200, 429]


def test_the_next_window_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert statuses(11)[-1] == 429
    monkeypatch.setattr(throttling.Windows, "timer", staticmethod(lambda: 1_800_003_600.0))
    assert sign_in("root", "of root").status_code == 302


def test_people_sign_in_while_the_cache_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_away(settings)
    monkeypatch.setattr(throttling.Windows, "away_until", 0.0)
    assert sign_in("root", "of root").status_code == 302
