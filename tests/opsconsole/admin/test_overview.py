"""The overview says whether there is a backup to fall back on, and what needs a person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Backup
from tests.clients import signed_in
from tests.opsconsole.backups_made import made, plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]


def overview(browser: Client) -> str:
    return browser.get("/admin/").content.decode()


def test_it_names_the_plan_that_is_there_from_the_first_start(operator: Client) -> None:
    page = overview(operator)
    assert "Plan “daily”: every day at 02:00" in page
    assert "not protected" in page


def test_it_is_green_with_a_young_verified_backup_and_red_when_it_is_overdue(
    operator: Client,
) -> None:
    row = plan(most_hours=36)
    made(timedelta(hours=3), plan=row)
    page = overview(operator)
    assert ">protected<" in page.replace("\n", "").replace("  ", "")
    assert "3\xa0hours ago" in page
    Backup.objects.update(snapshot_at=now() - timedelta(days=3))
    assert "its newest verified data are older than 36 hours" in overview(operator)


def test_it_names_what_failed_until_a_later_backup_is_verified(operator: Client) -> None:
    made(timedelta(hours=2), status="failed", reason="the disk is full", verified_at=None)
    assert "the disk is full" in overview(operator)
    made(timedelta(hours=1))
    assert "the disk is full" not in overview(operator)


def test_it_is_live_while_work_goes_on(operator: Client) -> None:
    assert 'id="backups-live" data-live' not in overview(operator)
    made(status="running", stage="scoring_answer", verified_at=None, claimed_at=now())
    page = overview(operator)
    assert 'id="backups-live" data-live' in page
    assert "scoring_answer" in page


def test_it_says_that_no_plan_is_switched_on(operator: Client) -> None:
    plan(enabled=False)
    assert "no backup is made by itself" in overview(operator)


def test_it_shows_the_free_room_of_the_disk(operator: Client) -> None:
    assert "free for backups" in overview(operator)


def test_markers_are_not_bothered_with_it() -> None:
    assert "last verified backup" not in overview(signed_in("marker"))
