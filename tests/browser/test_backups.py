"""An operator's night: a plan, a backup that is watched, verified, restored; one that fails."""

import re
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext
from playwright.sync_api import Page, expect
from pytest_django import Settings

from opsconsole import tasks
from opsconsole.models import Backup, BackupPlan, Event, Restore
from tests.browser.conftest import Open, visit
from tests.factories import make_user
from tests.opsconsole.backups_made import made

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = "/admin/opsconsole"
STEP = ".pms-steps [aria-current=step]"


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    """Nothing is written but below the test's own folder."""
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "uploads"
    settings.STORES_DIR = tmp_path / "stores"
    settings.MEDIA_ROOT.mkdir()


@pytest.fixture
def operator() -> User:
    return make_user("operator", staff=True)


def works(task: Any, *args: Any) -> None:
    """What the worker does with a message, in a thread, for Playwright has this one's loop."""

    def work() -> None:
        try:
            task(*args)
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    thread.join()


def arrive(page: Page, pattern: str) -> int:
    """The number in the address to which the page goes."""
    page.wait_for_url(re.compile(pattern))
    match = re.search(pattern, page.url)
    assert match
    return int(match[1])


@pytest.mark.parametrize("locale", ["en-US", "ja-JP"])
def test_a_plan_is_made_and_run_and_its_backup_watched(
    browse: Open, operator: User, locale: str
) -> None:
    page = browse(operator, f"{ADMIN}/backupplan/add/", locale=locale)
    page.fill("[name=name]", "before-exams")
    page.fill("[name=at]", "03:30")
    page.click("[name=_continue]")
    key = arrive(page, r"/backupplan/(\d+)/change/")
    assert BackupPlan.objects.get(pk=key).schedule.hour == "3"
    expect(page.locator(".pms-card").first).to_contain_text("03:30")
    page.click("form[action$='/run/'] button")
    backup = Backup.objects.get(pk=arrive(page, r"/backup/(\d+)/change/"))
    expect(page.locator("[data-live]")).to_have_count(1)
    backup.claim(started_at=now())
    backup.beat(stage="scoring_answer", fraction=0.4)
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    expect(page.locator("#backup-live")).to_contain_text("scoring_answer")
    backup.put_back("the worker went quiet")
    works(tasks.take_backup, backup.pk)
    expect(page.locator("[data-live]")).to_have_count(0)
    expect(page.locator(".pms-done")).to_have_count(5)
    expect(page.locator(f"a[href$='/backup/{backup.pk}/download/']")).to_be_visible()
    page.click("form[action$='/verify/'] button")
    works(tasks.verify_backup, backup.pk, "", "operator", "admin", "")
    page.reload()
    expect(page.locator("details.pms-more")).to_have_count(3)  # the tables, two verifications
    assert backup.verifications.filter(ok=True, complete=True).count() == 2


LOCALES = {"en-US": "en", "ja-JP": "ja"}


def said(locale: str, text: str) -> str:
    """The text as the pages say it in this language."""
    with translation.override(LOCALES[locale]):
        return gettext(text)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_failed_backup_says_why_and_the_overview_too(
    browse: Open, operator: User, settings: Settings, tmp_path: Path, locale: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore"):
        stub = programs / name
        stub.write_text(
            '#!/bin/sh\n[ "$1" = --version ] && exec "$0.real" --version\n'
            "echo the server closed the connection >&2\nexit 1\n",
            encoding="utf-8",
        )
        stub.chmod(0o755)
        (programs / f"{name}.real").symlink_to(Path(settings.POSTGRES_BIN) / name)
    settings.POSTGRES_BIN = str(programs)
    page = browse(operator, f"{ADMIN}/backup/now/", locale=locale)
    page.get_by_role("button", name=said(locale, "Back up now")).click()
    key = arrive(page, r"/backup/(\d+)/change/")
    works(tasks.take_backup, key)
    expect(page.get_by_role("alert")).to_contain_text("the server closed the connection")
    expect(page.get_by_role("alert")).to_contain_text(
        said(locale, "This backup failed and cannot be relied on.")
    )
    visit(page, "/admin/")
    expect(page.locator("#backups-live")).to_contain_text("the server closed the connection")
    visit(page, f"{ADMIN}/event/")
    expect(page.locator("#result_list")).to_contain_text(said(locale, "backup failed"))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_restore_is_typed_and_followed_beyond_the_end_of_the_session(
    browse: Open, operator: User, locale: str
) -> None:
    """The worker's part is played by the row: the database of the tests is not exchanged."""
    backup = made()
    page = browse(operator, f"{ADMIN}/backup/{backup.pk}/change/", locale=locale)
    page.get_by_role("link", name=said(locale, "Restore…")).click()
    page.fill("[name=typed]", "yes")
    page.get_by_role("button", name=said(locale, "Restore"), exact=True).click()
    expect(page.locator("form .errorlist, form .text-red-600").first).to_be_visible()
    assert not Restore.objects.exists()
    page.fill("[name=typed]", backup.name)
    page.get_by_role("button", name=said(locale, "Restore"), exact=True).click()
    restore = Restore.objects.get(pk=arrive(page, r"/restore/(\d+)/change/"))
    restore.claim(started_at=now())
    expect(page.locator(STEP)).to_have_text(said(locale, "safety backup"))
    restore.step(Restore.Status.RESTORING, stage="scoring_answer", fraction=0.5)
    expect(page.locator(STEP)).to_have_text(said(locale, "restoring beside the live database"))
    restore.step(Restore.Status.SWAPPING)
    Session.objects.all().delete()
    restore.finish(report={"rows": 7}, previous="pmscoring_before_1", fraction=1.0)
    page.wait_for_url(re.compile(rf"/admin/login/\?next=.*restore/{restore.pk}/change/"))
    expect(page.locator("[name=username]")).to_be_visible()
    assert list(Event.objects.values_list("deed", flat=True)) == ["restore.requested"]
