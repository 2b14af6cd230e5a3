"""Holding, verifying and pruning backups through REST, and how often deeds may be asked for."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings
from rest_framework.throttling import SimpleRateThrottle

from opsconsole import tasks
from opsconsole.models import Backup, Event, ExamWindow
from tests.clients import JSON, client_for
from tests.opsconsole.backups_made import made, plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]
BACKUPS = "/api/v1/ops/backups"


@pytest.fixture
def operator(settings: Settings, tmp_path: Path, db: None) -> Client:
    settings.BACKUP_DIR = tmp_path / "backups"
    return client_for("operator")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The messages that are sent, each with its arguments."""
    messages: list[tuple[Any, ...]] = []

    def send(task: Any, *args: Any) -> None:
        messages.append((task, *args))

    monkeypatch.setattr("opsconsole.api.backup_deeds.nudge", send)
    return messages


def post(client: Client, path: str, **body: Any) -> Any:
    headers = {"Accept-Language": "en"}
    return client.post(f"{BACKUPS}/{path}", body, content_type=JSON, headers=headers)


def test_a_backup_is_held_and_let_go_again(operator: Client) -> None:
    backup = made()
    response = post(operator, f"{backup.uid}/hold")
    assert (response.status_code, response.json()["held"]) == (202, True)
    assert post(operator, f"{backup.uid}/hold", held=False).json()["held"] is False
    deeds = Event.objects.order_by("number").values_list("deed", "source")
    assert list(deeds) == [("backup.held", "rest"), ("backup.released", "rest")]


def test_one_that_is_being_removed_is_held_no_more(operator: Client) -> None:
    backup = made(removing_at=now())
    assert post(operator, f"{backup.uid}/hold").status_code == 409
    assert post(operator, f"{backup.uid}/verify").status_code == 409


def test_a_verification_is_a_message_to_the_worker(
    operator: Client, sent: list[tuple[Any, ...]]
) -> None:
    backup = made()
    response = post(operator, f"{backup.uid}/verify")
    assert (response.status_code, response.json()["id"]) == (202, str(backup.uid))
    assert sent == [(tasks.verify_backup, backup.pk, "", "operator", "rest", "127.0.0.1")]


def test_a_backup_that_is_still_being_made_is_neither_verified_nor_restored(
    operator: Client, sent: list[tuple[Any, ...]]
) -> None:
    backup = made(status="running", verified_at=None)
    assert post(operator, f"{backup.uid}/verify").status_code == 409
    body = {"backup": str(backup.uid), "confirm": backup.name}
    refused = operator.post(
        "/api/v1/ops/restores", body, content_type=JSON, headers={"Accept-Language": "en"}
    )
    assert refused.status_code == 409
    assert "still being made" in refused.json()["detail"]
    assert sent == []


def test_pruning_says_what_goes_and_what_stays_and_why(
    operator: Client, sent: list[tuple[Any, ...]]
) -> None:
    daily = plan(keep_last=1, keep_daily=0, keep_weekly=0, keep_monthly=0)
    old, newest = made(timedelta(days=40), plan=daily), made(plan=daily)
    looked = post(operator, "prune", dry_run=True).json()
    assert [row["name"] for row in looked["removed"]] == [old.name]
    assert [row["name"] for row in looked["kept"]] == [newest.name]
    assert looked["kept"][0]["because"]
    assert sent == []
    assert post(operator, "prune", why="room").status_code == 202
    assert sent == [(tasks.prune_backups, "room", "operator", "rest", "127.0.0.1")]
    assert not Backup.objects.filter(removing_at__isnull=False).exists()


def test_pruning_needs_a_reason_while_an_exam_window_holds(
    operator: Client, sent: list[tuple[Any, ...]]
) -> None:
    at = now()
    ExamWindow.objects.create(name="Spring", starts_at=at, ends_at=at + timedelta(hours=1))
    refused = post(operator, "prune")
    assert refused.status_code == 409
    assert "Spring" in refused.json()["detail"]
    assert post(operator, "prune", dry_run=True).status_code == 202
    assert sent == []


def test_only_operators_may(sent: list[tuple[Any, ...]]) -> None:
    backup, viewer = made(), client_for("viewer")
    for path in (f"{backup.uid}/hold", f"{backup.uid}/verify", "prune"):
        assert post(viewer, path).status_code == 403
    assert sent == []


def test_deeds_are_limited_by_themselves_and_reading_is_not(
    operator: Client, monkeypatch: pytest.MonkeyPatch, sent: list[tuple[Any, ...]]
) -> None:
    rates = {**SimpleRateThrottle.THROTTLE_RATES, "ops": "2/day"}
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", rates)
    backup = made()
    statuses = [post(operator, f"{backup.uid}/hold").status_code for _time in range(3)]
    assert statuses == [202, 202, 429]
    assert all(operator.get(BACKUPS).status_code == 200 for _time in range(4))
