"""Reading the console through REST: who may, what is shown, and how it is found."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.models import Backup, BackupPlan, Caller, Event, Restore, Verification
from opsconsole.models.chain_files import verified
from tests.clients import client_for
from tests.opsconsole.chains import as_owner, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]
OPS = "/api/v1/ops"
READ = ["events", "events/chain", "plans", "backups", "restores"]


@pytest.fixture
def viewer(db: None) -> Client:
    return client_for("viewer")


def a_backup(name: str = "b", **more: Any) -> Backup:
    return Backup.objects.create(name=name, **more)


def results(client: Client, path: str, **query: Any) -> list[Any]:
    response = client.get(f"{OPS}/{path}", query)
    assert response.status_code == 200, response.content
    listed: list[Any] = response.json()["results"]
    return listed


@pytest.mark.parametrize("path", READ)
def test_operators_and_viewers_read_and_nobody_else(path: str) -> None:
    for role in ("operator", "viewer"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 200
    for role in ("exam manager", "marker", "client"):
        assert client_for(role).get(f"{OPS}/{path}").status_code == 403
    refused = Client().get(f"{OPS}/{path}")
    assert refused.status_code == 401
    assert refused["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nothing_that_was_recorded_can_be_changed(method: str) -> None:
    recorded(1)
    operator = client_for("operator")
    for path in ("events", "events/1", "events/chain"):
        assert getattr(operator, method)(f"{OPS}/{path}").status_code == 405
    assert operator.post(f"{OPS}/events").status_code == 405
    assert Event.objects.broken_at() is None


def test_events_are_found_by_deed_result_person_object_and_time(viewer: Client) -> None:
    plan = BackupPlan.objects.get()
    Event.objects.record("plan.changed", plan, Caller("ann", "admin"))
    between = now().isoformat()
    Event.objects.record("backup.failed", None, Caller("bob", "rest"), result="failed")

    def deeds(**query: Any) -> list[str]:
        return [event["deed"] for event in results(viewer, "events", **query)]

    assert deeds() == ["backup.failed", "plan.changed"]
    assert deeds(deed="plan.changed") == deeds(actor="ann") == ["plan.changed"]
    assert deeds(object_type="backupplan", object_id=plan.pk) == ["plan.changed"]
    assert deeds(result="failed") == deeds(since=between) == ["backup.failed"]
    assert deeds(until=between) == ["plan.changed"]
    assert deeds(since="1999-01-01", until="2000-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query", [{"deed": "x"}, {"result": "x"}, {"since": "noon"}, {"until": "2026-13-45T00:00Z"}]
)
def test_a_filter_that_is_wrong_is_a_problem(viewer: Client, query: dict[str, str]) -> None:
    response = viewer.get(f"{OPS}/events", query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/{next(iter(query))}"


def test_events_come_in_pages(viewer: Client) -> None:
    recorded(5)
    first = viewer.get(f"{OPS}/events", {"page_size": 2}).json()
    second = viewer.get(first["next"]).json()
    numbers = [event["number"] for page in (first, second) for event in page["results"]]
    assert numbers == [5, 4, 3, 2]


def test_an_event_is_a_link_of_the_chain(viewer: Client) -> None:
    event = recorded(1)[0]
    assert viewer.get(f"{OPS}/events/1").json() == event.link()
    assert viewer.get(f"{OPS}/events/2").status_code == 404


def test_the_chain_is_verified(viewer: Client) -> None:
    recorded(3)
    chain = f"{OPS}/events/chain"
    assert viewer.get(chain).json() == {"events": 3, "intact": True, "broken_at": None}
    as_owner("UPDATE opsconsole_event SET actor = 'x' WHERE number = 2")
    assert viewer.get(chain).json() == {"events": 3, "intact": False, "broken_at": 2}


def test_the_export_verifies_alone_and_leaves_an_event(viewer: Client, settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    recorded(2)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    response: Any = viewer.get(f"{OPS}/events/export", headers=headers)
    lines = b"".join(response.streaming_content).splitlines(keepends=True)
    assert verified(lines) == {"events": 3, "intact": True, "broken_at": None}
    last = json.loads(lines[-1])
    assert (last["deed"], last["actor"], last["source"]) == ("events.exported", "viewer", "rest")
    assert last["address"] == "203.0.113.9"


def test_a_plan_says_how_fresh_its_backups_are(viewer: Client) -> None:
    plan = BackupPlan.objects.get()
    (shown,) = results(viewer, "plans")
    assert (shown["schedule"], shown["timezone"]) == ("0 2 * * *", "Asia/Tokyo")
    assert shown["newest_verified"] is None
    a_backup(plan=plan, status="stored", snapshot_at=now(), verified_at=now())
    shown = viewer.get(f"{OPS}/plans/{plan.pk}").json()
    assert shown["newest_verified"] == Backup.objects.get().snapshot_at.isoformat()  # type: ignore[union-attr]
    assert shown["keep"] == {"last": 3, "daily": 7, "weekly": 4, "monthly": 6}


def test_backups_are_found_by_state_and_plan(viewer: Client) -> None:
    a_backup("one", plan=BackupPlan.objects.get())
    a_backup("two", status="failed", reason="no space")

    def names(**query: str) -> list[str]:
        return [backup["name"] for backup in results(viewer, "backups", **query)]

    assert names() == ["two", "one"]
    assert names(state="failed") == ["two"]
    assert names(plan="daily") == ["one"]
    assert viewer.get(f"{OPS}/backups", {"state": "lost"}).status_code == 422


def test_a_backup_is_shown_with_its_parts_copies_and_verifications(viewer: Client) -> None:
    part = {"name": "database", "bytes": 5, "sha256": "a" * 64, "rows": 7, "files": []}
    backup = a_backup(status="failed", reason="offsite is away", manifest={"parts": [part]})
    backup.copies.create(store="offsite", status="failed", reason="away")
    checks = [{"name": "rows", "ok": False, "says": "6 of 7"}]
    Verification.objects.create(backup=backup, ok=False, complete=True, checks=checks)
    shown = viewer.get(f"{OPS}/backups/{backup.uid}").json()
    assert (shown["state"], shown["reason"]) == ("failed", "offsite is away")
    assert shown["parts"] == [{"name": "database", "bytes": 5, "sha256": "a" * 64, "rows": 7}]
    assert shown["stores"] == [{"name": "offsite", "state": "failed", "reason": "away"}]
    assert shown["verifications"][0]["checks"] == checks
    assert viewer.get(shown["links"]["self"]).json() == shown
    assert viewer.get(f"{OPS}/backups/{uuid4()}").status_code == 404
    assert viewer.get(f"{OPS}/backups/{backup.pk}").status_code == 404


def test_a_restore_is_shown_with_its_report(viewer: Client) -> None:
    backup = a_backup()
    restore = Restore.objects.create(
        backup=backup, backup_name="b", parts=["database"], report={"rows": 7}, status="done"
    )
    (shown,) = results(viewer, "restores")
    assert (shown["backup"], shown["state"], shown["report"]) == (
        str(backup.uid),
        "done",
        {"rows": 7},
    )
    assert viewer.get(f"{OPS}/restores/{restore.uid}").json() == shown


@pytest.mark.parametrize("path", ["backups", "restores"])
def test_a_list_asks_the_database_no_more_often_for_more_rows(viewer: Client, path: str) -> None:
    counts = []
    for number in range(2):
        for name in range(3):
            backup = a_backup(f"{number}-{name}", plan=BackupPlan.objects.get())
            backup.copies.create(store="local")
            Restore.objects.create(backup=backup, backup_name="b", safety_backup=backup)
        with CaptureQueriesContext(connection) as queries:
            results(viewer, path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_unknown_address_is_a_problem(viewer: Client) -> None:
    response = viewer.get(f"{OPS}/nowhere")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
