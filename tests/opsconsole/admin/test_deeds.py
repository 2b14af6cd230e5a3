"""What an operator does with backups in the admin: each deed leaves its event."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pyrage import x25519
from pytest_django import Settings

from opsconsole.models import Backup, BackupCopy, Event, Restore
from tests.factories import example_exam
from tests.opsconsole.backups_made import ROWS, made, plan

pytestmark = pytest.mark.django_db
NOW = "/admin/opsconsole/backup/now/"


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "uploads"
    settings.STORES_DIR = tmp_path / "stores"
    settings.STORES_DIR.mkdir()


def address(name: str, row: Any) -> str:
    return reverse(f"admin:opsconsole_{name}", args=[row.pk])


def deeds() -> list[tuple[str, str, str]]:
    return list(Event.objects.order_by("number").values_list("deed", "actor", "source"))


def test_back_up_now_leads_to_the_page_of_the_new_backup(
    operator: Client, settings: Settings
) -> None:
    (settings.STORES_DIR / "offsite.json").write_text("{}", encoding="utf-8")
    key = str(x25519.Identity.generate().to_public())
    response = operator.post(
        NOW,
        {
            "parts": ["database", "uploads"],
            "stores": ["offsite"],
            "recipients": key,
            "note": "before the exam",
        },
        follow=True,
    )
    backup = Backup.objects.get()
    assert response.redirect_chain == [(address("backup_change", backup), 302)]
    assert 'id="backup-live" data-live' in response.content.decode()
    assert (backup.parts, backup.stores) == (["database", "uploads"], ["local", "offsite"])
    assert (backup.recipients, backup.note, backup.status) == (key, "before the exam", "waiting")
    assert deeds() == [("backup.requested", "operator", "admin")]


def test_a_backup_without_a_part_is_not_asked_for(operator: Client) -> None:
    response = operator.post(NOW, {"parts": []})
    assert "This field is required" in response.content.decode()
    assert not Backup.objects.exists()


def test_a_plan_is_run_now(operator: Client, viewer: Client) -> None:
    row = plan(parts=["database"])
    assert viewer.post(address("backupplan_run", row)).status_code == 302
    assert not Backup.objects.exists()
    response = operator.post(address("backupplan_run", row))
    backup = Backup.objects.get()
    assert response["Location"] == address("backup_change", backup)
    assert (backup.plan, backup.parts) == (row, ["database"])


def test_a_verification_is_asked_for_by_an_operator(operator: Client) -> None:
    page = operator.post(address("backup_verify", made()), follow=True)
    assert "A worker verifies it" in page.content.decode()


def test_a_missing_copy_is_made_again_by_an_operator(
    operator: Client, viewer: Client, tmp_path: Path
) -> None:
    backup = made(status=Backup.Status.FAILED)
    page = operator.get(address("backup_change", backup)).content.decode()
    assert "Copy again" not in page
    backup.copies.create(store="offsite", status=BackupCopy.Status.FAILED)

    page = operator.get(address("backup_change", backup)).content.decode()
    asked = operator.post(address("backup_copy", backup), follow=True).content.decode()
    refused = viewer.post(address("backup_copy", backup), follow=True).content.decode()

    assert "Copy again" in page
    assert "A worker copies it" in asked
    assert "A worker copies it" not in refused


def test_a_running_verification_shows_on_the_page(operator: Client) -> None:
    backup = made()
    Backup.objects.filter(pk=backup.pk).update(stage="comparing scoring_answer", fraction=0.4)

    page = operator.get(address("backup_change", backup)).content.decode()

    assert "comparing scoring_answer" in page
    assert 'id="backup-live" data-live' in page


def test_the_page_of_a_restore_says_what_will_be_lost(operator: Client) -> None:
    example_exam()
    backup = made()
    backup.manifest["tables"] = {"scoring_exam": {"rows": 0}, "scoring_question": {"rows": 99}}
    backup.save()
    page = operator.get(address("backup_restore", backup)).content.decode()
    for text in ("1\xa0hour", "more now than then", "about 12 s", "You may have to sign in again"):
        assert text in page
    assert "Exams" in page
    assert "Questions" not in page.split("What will happen")[-1].split("<form")[0]


def test_the_page_of_a_restore_says_that_no_row_was_added(operator: Client) -> None:
    backup = made()
    backup.manifest["tables"] = {table: {"rows": 10**6} for table in ROWS}
    backup.save()
    page = operator.get(address("backup_restore", backup)).content.decode()
    assert "No row was added since" in page


def wanted(backup: Backup, **changes: Any) -> dict[str, Any]:
    form = {"parts": ["database", "uploads"], "safety": "on", "typed": backup.name}
    return {key: value for key, value in (form | changes).items() if value is not None}


def test_a_restore_is_confirmed_by_the_typed_name(operator: Client) -> None:
    backup = made()
    for typed in ("", "yes", backup.name[:-1]):
        response = operator.post(address("backup_restore", backup), wanted(backup, typed=typed))
        assert response.status_code == 200
    assert not Restore.objects.exists()
    response = operator.post(
        address("backup_restore", backup), wanted(backup, typed=f" {backup.name} ")
    )
    restore = Restore.objects.get()
    assert response["Location"] == address("restore_change", restore)
    assert (restore.backup, restore.safety, restore.requested_by) == (backup, True, "operator")
    assert deeds() == [("restore.requested", "operator", "admin")]


@pytest.mark.parametrize("risk", ["unverified", "no safety backup"])
def test_a_riskier_restore_wants_a_reason(operator: Client, risk: str) -> None:
    backup = made(verified_at=None) if risk == "unverified" else made()
    form = wanted(backup, safety="on" if risk == "unverified" else None)
    page = operator.post(address("backup_restore", backup), form).content.decode()
    assert "Enter a reason" in page
    assert not Restore.objects.exists()
    operator.post(address("backup_restore", backup), form | {"why": "the database is corrupt"})
    assert Restore.objects.get().why == "the database is corrupt"
    assert Event.objects.get().details["why"] == "the database is corrupt"


def test_a_second_restore_at_once_is_refused_with_the_reason(operator: Client) -> None:
    backup = made()
    operator.post(address("backup_restore", backup), wanted(backup))
    page = operator.post(address("backup_restore", backup), wanted(backup)).content.decode()
    assert "another restore is under way" in page
    assert Restore.objects.count() == 1


def test_an_encrypted_backup_says_how_it_is_restored(operator: Client) -> None:
    backup = made(recipients="age1x")
    page = operator.get(address("backup_restore", backup)).content.decode()
    assert f"manage.py restore {backup.name} --identity" in page
    assert 'name="typed"' not in page


def test_the_previous_database_is_dropped_by_its_typed_name(
    operator: Client, viewer: Client
) -> None:
    restore = Restore.objects.create(backup_name="b", status="done", previous="pmscoring_before_1")
    drop = address("restore_drop", restore)
    assert drop in operator.get(address("restore_change", restore)).content.decode()
    assert drop not in viewer.get(address("restore_change", restore)).content.decode()
    assert viewer.post(drop, {"typed": "pmscoring_before_1"}).status_code == 302
    assert operator.post(drop, {"typed": "pmscoring"}).status_code == 200
    page = operator.post(drop, {"typed": "pmscoring_before_1"}, follow=True)
    assert "A worker drops the previous database" in page.content.decode()
