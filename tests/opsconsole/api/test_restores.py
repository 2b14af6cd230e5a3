"""Asking for a restore through REST."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from opsconsole.models import Backup, Event, Restore
from tests.clients import JSON, client_for
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en"}
RESTORES = "/api/v1/ops/restores"


@pytest.fixture
def operator(db: None) -> Client:
    return client_for("operator")


@pytest.fixture
def backup(db: None) -> Backup:
    return Backup.objects.create(name="20261128T170002Z-5f0c1a9e", status="stored")


def ask(client: Client, chosen: Backup, **more: Any) -> Any:
    body = {"backup": str(chosen.uid), "confirm": chosen.name, **more}
    return client.post(RESTORES, body, content_type=JSON, headers=ENGLISH, REMOTE_ADDR="192.0.2.7")


def test_it_is_requested_with_who_asked_and_from_where(operator: Client, backup: Backup) -> None:
    response = ask(operator, backup, parts=["database"], why="a mistake at noon")
    assert response.status_code == 202
    row = Restore.objects.get()
    assert response["Location"] == f"{RESTORES}/{row.uid}"
    assert operator.get(response["Location"]).json() == response.json()
    assert (row.status, row.parts, row.why, row.safety) == (
        "requested",
        ["database"],
        "a mistake at noon",
        True,
    )
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source, event.address) == (
        "restore.requested",
        "operator",
        "rest",
        "192.0.2.7",
    )


def test_the_name_of_the_backup_confirms(operator: Client, backup: Backup) -> None:
    response = ask(operator, backup, confirm="yes")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/confirm"
    assert not Restore.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"backup": str(uuid4())}, "/backup"),
        ({"backup": "latest"}, "/backup"),
        ({"parts": ["redis"]}, "/parts/0"),
        ({"safety": "no"}, "/safety"),
        ({"why": "x" * 201}, "/why"),
        ({"force": True}, ""),
    ],
)
def test_a_body_that_is_wrong_says_where(
    operator: Client, backup: Backup, wrong: dict[str, Any], pointer: str
) -> None:
    response = ask(operator, backup, **wrong)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert not Event.objects.exists()


def test_what_a_guard_refuses_is_a_conflict_with_its_reason(
    operator: Client, backup: Backup
) -> None:
    response = ask(operator, backup, safety=False)
    assert response.status_code == 409
    assert "needs a reason" in response.json()["detail"]


def test_a_second_one_meanwhile_is_a_conflict(operator: Client, backup: Backup) -> None:
    assert ask(operator, backup).status_code == 202
    response = ask(operator, backup)
    assert response.status_code == 409
    assert "another restore is under way" in response.json()["detail"]
    assert Restore.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "exam manager", "client"])
def test_only_operators_may(role: str, backup: Backup) -> None:
    assert ask(client_for(role), backup).status_code == 403
    assert not Restore.objects.exists()


def test_a_session_needs_its_csrf_token(backup: Backup) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(make_user("operator"))
    assert ask(browser, backup).status_code == 403
