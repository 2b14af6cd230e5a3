"""A restore is watched on its page, and says what came of it."""

from typing import Any

import pytest
from django.test import Client

from opsconsole.models import Restore
from tests.clients import signed_in
from tests.opsconsole.backups_made import made

pytestmark = pytest.mark.django_db
LIST = "/admin/opsconsole/restore/"


def restore(**fields: Any) -> Restore:
    backup = made()
    wanted = {"backup": backup, "backup_name": backup.name, "requested_by": "operator"}
    return Restore.objects.create(**wanted | fields)


def shown(browser: Client, row: Restore) -> str:
    return browser.get(f"{LIST}{row.pk}/change/").content.decode()


def test_an_empty_list_says_where_a_restore_begins(operator: Client) -> None:
    assert "No restore yet" in operator.get(LIST).content.decode()


def test_the_page_is_live_and_says_beforehand_that_the_session_may_end(operator: Client) -> None:
    page = shown(operator, restore(status="restoring", stage="scoring_answer", fraction=0.3))
    assert "data-live-follow" in page
    assert "sign in with the account and the password of the time of the backup" in page
    assert "scoring_answer" in page


def test_what_came_of_it_is_in_words(operator: Client) -> None:
    report = {
        "rows": 1234,
        "deleted_by_date": [{"app": "scoring", "exam": "PM-2025", "answers": 7}],
        "missing_files": ["uploads/a.csv"],
        "missing_files_count": 1,
        "orphan_files": [],
        "orphan_files_count": 0,
    }
    done = restore(status="done", report=report, previous="pmscoring_before_1234", seconds=73)
    page = shown(operator, done)
    for text in ("1234", "PM-2025", "uploads/a.csv", "pmscoring_before_1234", "1 min 13 s"):
        assert text in page
    assert "data-live" not in page


@pytest.mark.parametrize("status", ["failed", "undone"])
def test_a_restore_that_failed_says_so_and_that_nothing_was_lost(
    operator: Client, status: str
) -> None:
    page = shown(operator, restore(status=status, reason="the dump is damaged"))
    assert "The live data are as they were" in page
    assert "the dump is damaged" in page


def test_viewers_look_and_others_do_not() -> None:
    row = restore(status="done")
    assert signed_in("viewer").get(f"{LIST}{row.pk}/change/").status_code == 200
    assert signed_in("marker").get(f"{LIST}{row.pk}/change/").status_code in (302, 403, 404)
