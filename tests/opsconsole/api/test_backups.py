"""Asking for a backup through REST."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from opsconsole.models import Backup, BackupPlan, Event
from tests.clients import JSON, client_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]
ENGLISH = {"Accept-Language": "en"}
BACKUPS = "/api/v1/ops/backups"
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


@pytest.fixture
def operator(stores_dir: Path, db: None) -> Client:
    return client_for("operator")


def ask(client: Client, **body: Any) -> Any:
    return client.post(BACKUPS, body, content_type=JSON, headers=ENGLISH, REMOTE_ADDR="192.0.2.7")


def test_it_is_requested_with_who_asked_and_from_where(operator: Client) -> None:
    response = ask(operator, parts=["database"], recipients=[RECIPIENT], note="before the exam")
    assert response.status_code == 202
    row = Backup.objects.get()
    assert response["Location"] == f"{BACKUPS}/{row.uid}"
    shown = operator.get(response["Location"]).json()
    assert shown == {**response.json(), "verifications": []}
    assert (shown["state"], shown["encrypted"], shown["requested_by"]) == (
        "waiting",
        True,
        "operator",
    )
    assert (row.parts, row.stores, row.note) == (["database"], ["local"], "before the exam")
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source, event.address) == (
        "backup.requested",
        "operator",
        "rest",
        "192.0.2.7",
    )


def test_what_is_left_out_comes_from_the_plan(operator: Client) -> None:
    BackupPlan.objects.update(parts=["database"], recipients=RECIPIENT)
    assert ask(operator, plan="daily").status_code == 202
    row = Backup.objects.get()
    assert row.plan == BackupPlan.objects.get()
    assert (row.parts, row.recipients) == (["database"], RECIPIENT)


def test_an_empty_body_asks_for_all_that_a_backup_usually_holds(operator: Client) -> None:
    assert ask(operator).status_code == 202
    assert Backup.objects.get().parts == ["database", "uploads", "configuration"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"plan": "hourly"}, "/plan"),
        ({"parts": ["everything"]}, "/parts/0"),
        ({"parts": []}, "/parts"),
        ({"stores": ["local", "moon"]}, "/stores/1"),
        ({"stores": ["../etc"]}, "/stores/0"),
        ({"note": "x" * 201}, "/note"),
        ({"note": "\0"}, "/note"),
        ({"verify": False}, ""),
    ],
)
def test_a_body_that_is_wrong_says_where(
    operator: Client, wrong: dict[str, Any], pointer: str
) -> None:
    response = ask(operator, **wrong)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert not Backup.objects.exists()


def test_recipients_that_are_none_are_a_conflict_that_names_no_key(operator: Client) -> None:
    secret = "AGE-SECRET-KEY-1QQPQG"
    response = ask(operator, recipients=[secret])
    assert response.status_code == 409
    assert "recipients" in response.json()["detail"]
    assert secret not in response.content.decode()
    assert not Backup.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "exam manager", "client"])
def test_only_operators_may(role: str) -> None:
    assert ask(client_for(role)).status_code == 403
    assert not Backup.objects.exists()
