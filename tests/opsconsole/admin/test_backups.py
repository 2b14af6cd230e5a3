"""The pages of backups: what they say of each state, and who may do what."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from opsconsole.models import Backup, BackupCopy, Event
from tests.clients import signed_in
from tests.opsconsole.backups_made import made, verification, with_files

pytestmark = pytest.mark.django_db
LIST = "/admin/opsconsole/backup/"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.BACKUP_DIR = tmp_path / "backups"
    return tmp_path / "backups"


def shown(browser: Client, backup: Backup) -> str:
    address = reverse("admin:opsconsole_backup_change", args=[backup.pk])
    return browser.get(address).content.decode()


def test_an_empty_list_says_what_to_do_first(operator: Client, viewer: Client) -> None:
    for browser in (operator, viewer):
        assert "No backup yet" in browser.get(LIST).content.decode()


def test_the_list_shows_states_and_sizes_with_a_chart_above(operator: Client) -> None:
    backups = [made(timedelta(days=day), bytes=(9 - day) * 10**6) for day in range(1, 4)]
    made(timedelta(hours=1), status="failed", reason="the disk is full", verified_at=None)
    page = operator.get(LIST).content.decode()
    assert "the disk is full" in page
    assert "Size of the backups over time" in page
    chart = page[page.index("sizes-title") : page.index("durations-title")]
    for backup in backups:
        assert reverse("admin:opsconsole_backup_change", args=[backup.pk]) in chart
    assert "8.0\xa0MB" not in chart  # what failed and the others are told apart
    assert page.index("the disk is full") > page.index("durations-title")


def test_the_list_warns_while_no_backup_is_verified(operator: Client) -> None:
    made(verified_at=None)
    assert "No backup is verified" in operator.get(LIST).content.decode()
    made()
    assert "No backup is verified" not in operator.get(LIST).content.decode()


def test_a_list_asks_the_database_no_more_often_for_more_rows(operator: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            operator.get(LIST)
        return len(queries)

    for _ in range(2):
        made()
    asked()
    before = asked()
    for _ in range(4):
        made()
    assert asked() == before


def test_an_operator_holds_a_backup_and_releases_it(operator: Client) -> None:
    backup = made()
    address = reverse("admin:opsconsole_backup_hold", args=[backup.pk])
    assert (
        "Held: no plan removes it"
        in operator.post(address, {"held": "1"}, follow=True).content.decode()
    )
    operator.post(address, {"held": ""})
    backup.refresh_from_db()
    assert not backup.held
    deeds = Event.objects.order_by("number").values_list("deed", "actor")
    assert list(deeds) == [("backup.held", "operator"), ("backup.released", "operator")]


def test_a_page_shows_what_is_in_it_where_it_lies_and_what_was_checked(
    operator: Client, folder: Path
) -> None:
    backup = made(note="before the exam")
    with_files(backup, folder, {"database/toc.dat": b"x"})
    BackupCopy.objects.create(backup=backup, store="remote", status="failed", reason="403 refused")
    verification(backup)
    page = shown(operator, backup)
    for text in ("before the exam", "remote", "403 refused", "122 rows in 2 tables", "12 s"):
        assert text in page
    for text in ("PM Scoring 0.1.0 on PostgreSQL 16.4", "Not encrypted", "2 tables · 122 rows"):
        assert text in page
    assert "secrets – the backup is not encrypted" in page
    assert reverse("admin:opsconsole_backup_download", args=[backup.pk]) in page


def test_a_failed_backup_says_why_and_what_to_do(operator: Client) -> None:
    backup = made(status="failed", reason="the disk is full", verified_at=None)
    page = shown(operator, backup)
    assert "cannot be relied on" in page
    assert "the disk is full" in page
    assert reverse("admin:opsconsole_backup_restore", args=[backup.pk]) not in page


def test_one_that_lacks_a_store_can_be_restored_and_says_so(operator: Client) -> None:
    backup = made(status="failed", reason="store offsite: its keys are refused")
    page = shown(operator, backup)
    assert "not in every store" in page
    assert "its keys are refused" in page
    assert reverse("admin:opsconsole_backup_restore", args=[backup.pk]) in page


def test_a_page_is_live_while_a_worker_has_the_backup(operator: Client) -> None:
    backup = made(status="running", stage="scoring_answer", fraction=0.4, verified_at=None)
    page = shown(operator, backup)
    assert 'id="backup-live" data-live' in page
    assert "scoring_answer" in page
    assert 'aria-valuenow="40"' in page
    assert "data-live" not in shown(operator, made())


def test_an_unverified_backup_is_not_called_good(operator: Client) -> None:
    page = shown(operator, made(verified_at=None))
    assert "was not restored on trial" in page


def test_a_viewer_sees_and_does_nothing(viewer: Client) -> None:
    backup = made()
    page = shown(viewer, backup)
    for deed in ("hold",):
        address = reverse(f"admin:opsconsole_backup_{deed}", args=[backup.pk])
        assert address not in page
        viewer.post(address, {"held": "1", "typed": backup.name})
    backup.refresh_from_db()
    assert not backup.held
    assert Backup.objects.count() == 1
    assert not Event.objects.exists()


def test_others_see_nothing() -> None:
    backup = made()
    for role in ("marker", "exam manager"):
        assert signed_in(role).get(LIST).status_code in (302, 403)
        address = reverse("admin:opsconsole_backup_change", args=[backup.pk])
        assert signed_in(role).get(address).status_code in (302, 403, 404)


def test_checks_are_named_in_the_language_of_the_reader() -> None:
    backup = made()
    checks = [{"name": name, "ok": True, "says": ""} for name in ("migrations", "uploads")]
    verification(backup, checks=checks)
    page = shown(signed_in("viewer", "ja"), backup)
    assert "<td>マイグレーション</td>" in page
    assert "<td>アップロードされたファイル</td>" in page
