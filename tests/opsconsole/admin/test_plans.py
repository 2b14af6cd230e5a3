"""Plans are made and changed in words; each change leaves an event."""

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django_celery_beat.models import CrontabSchedule
from pyrage import x25519

from opsconsole.admin import schedules
from opsconsole.models import BackupPlan, Event
from tests.clients import form_data, signed_in
from tests.opsconsole.backups_made import crontab, made, plan

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]
LIST = "/admin/opsconsole/backupplan/"
NEW: dict[str, Any] = {
    "name": "hourly",
    "enabled": "on",
    "parts": ["database"],
    "times": "4",
    "at": "03:30",
    "days": ["1", "2", "3", "4", "5"],
    "verify": "on",
    "keep_last": "5",
    "keep_daily": "0",
    "keep_weekly": "0",
    "keep_monthly": "0",
    "most_hours": "12",
}


def change(row: BackupPlan) -> str:
    return f"{LIST}{row.pk}/change/"


def errors(response: Any) -> dict[str, Any]:
    return dict(response.context["adminform"].form.errors)


def test_a_plan_is_made_in_words(operator: Client) -> None:
    assert operator.post(f"{LIST}add/", NEW).status_code == 302
    made_plan = BackupPlan.objects.get(name="hourly")
    schedule = made_plan.schedule
    assert (schedule.minute, schedule.hour, schedule.day_of_week) == (
        "30",
        "3,9,15,21",
        "1,2,3,4,5",
    )
    assert made_plan.stores == ["local"]
    page = operator.get(LIST).content.decode()
    assert "Mon, Tue, Wed, Thu, Fri at 03:30, 09:30, 15:30, 21:30" in page
    event = Event.objects.get(deed="plan.changed")
    assert (event.object_name, event.actor) == ("hourly", "operator")


def test_a_form_that_is_saved_unchanged_changes_nothing(operator: Client) -> None:
    row = plan(recipients="", stores=["local", "gone"])
    before = BackupPlan.objects.filter(pk=row.pk).values().get()
    data = form_data(operator, change(row)) | {
        "parts": row.parts,
        "days": ["0", "1", "2", "3", "4", "5", "6"],
        "stores": ["gone"],
    }
    assert operator.post(change(row), data).status_code == 302
    assert BackupPlan.objects.filter(pk=row.pk).values().get() == before
    assert Event.objects.get(deed="plan.changed").details == {"changed": ""}


def test_stores_are_those_that_are_set_up(operator: Client, stores_dir: Path) -> None:
    (stores_dir / "offsite.json").write_text("{}", encoding="utf-8")
    page = operator.get(f"{LIST}add/").content.decode()
    assert 'value="offsite"' in page
    refused = operator.post(f"{LIST}add/", NEW | {"stores": ["elsewhere"]})
    assert "stores" in errors(refused)
    operator.post(f"{LIST}add/", NEW | {"stores": ["offsite"]})
    assert BackupPlan.objects.get(name="hourly").stores == ["local", "offsite"]


def test_recipients_are_public_keys_of_age(operator: Client) -> None:
    key = str(x25519.Identity.generate().to_public())
    refused = operator.post(f"{LIST}add/", NEW | {"recipients": f"{key}\nage1nonsense"})
    assert "2" in str(errors(refused)["recipients"])
    operator.post(f"{LIST}add/", NEW | {"recipients": f" {key} # Sato\n\n"})
    assert BackupPlan.objects.get(name="hourly").recipients == f"{key} # Sato"


def test_a_private_key_is_refused_and_not_shown_again(operator: Client) -> None:
    secret = str(x25519.Identity.generate())
    refused = operator.post(f"{LIST}add/", NEW | {"recipients": secret})
    assert "secret key" in str(errors(refused)["recipients"])
    assert secret not in refused.content.decode()


def test_a_schedule_that_says_more_than_the_form_is_kept_and_shown(operator: Client) -> None:
    monthly = crontab(day_of_month="1")
    row = plan(schedule=monthly)
    page = operator.get(change(row)).content.decode()
    assert "unchanged: by the crontab “0 2 1 * *”" in page
    data = form_data(operator, change(row)) | {
        "parts": row.parts,
        "stores": [],
        "times": "as-it-is",
    }
    assert operator.post(change(row), data).status_code == 302
    row.refresh_from_db()
    assert row.schedule == monthly


def test_a_plan_says_whether_it_is_on_time(operator: Client) -> None:
    row = plan(most_hours=36)
    assert "no verified backup yet" in operator.get(LIST).content.decode()
    made(timedelta(hours=37), plan=row)
    assert "overdue" in operator.get(LIST).content.decode()
    made(timedelta(hours=1), plan=row, verified_at=None)
    assert "overdue" in operator.get(LIST).content.decode()
    made(timedelta(hours=1), plan=row)
    assert "on time" in operator.get(LIST).content.decode()
    plan(enabled=False)
    assert "on time" not in operator.get(LIST).content.decode()


def test_a_viewer_looks_and_changes_nothing() -> None:
    viewer, row = signed_in("viewer"), plan()
    page = viewer.get(change(row)).content.decode()
    assert "every day at 02:00" in page
    assert "Run now" not in page
    assert viewer.post(change(row), NEW).status_code == 403
    assert viewer.post(f"{LIST}add/", NEW).status_code == 403
    assert not Event.objects.exists()


def test_a_plan_is_switched_off_and_not_deleted(operator: Client) -> None:
    assert operator.post(f"{LIST}{plan().pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, "every day at 02:00"),
        ({"hour": "2,14"}, "every day at 02:00, 14:00"),
        ({"hour": "*", "minute": "5"}, "every day, every hour at minute 05"),
        ({"day_of_week": "0"}, "Sun at 02:00"),
        ({"day_of_week": "mon-fri"}, "Mon, Tue, Wed, Thu, Fri at 02:00"),
        ({"timezone": "UTC"}, "every day at 02:00 (UTC)"),
        ({"hour": "2,3"}, "by the crontab “0 2,3 * * *”"),
        ({"minute": "*/5"}, "by the crontab “*/5 2 * * *”"),
    ],
)
def test_a_schedule_is_told_in_words(fields: dict[str, str], wanted: str) -> None:
    assert schedules.in_words(crontab(**fields)) == wanted


@pytest.mark.parametrize("times", schedules.TIMES_A_DAY)
@pytest.mark.parametrize("days", [(0, 1, 2, 3, 4, 5, 6), (0,), (1, 6)])
def test_what_the_form_says_comes_back_from_the_crontab(times: int, days: tuple[int, ...]) -> None:
    hour = 0 if times == 24 else 24 // times - 1
    wanted = schedules.Timing(time(hour, 45), times, days)
    schedule = schedules.crontab_of(wanted, "Asia/Tokyo")
    assert schedules.timing(schedule) == wanted
    assert schedules.crontab_of(wanted, "Asia/Tokyo") == schedule
    assert CrontabSchedule.objects.filter(pk=schedule.pk).exists()
