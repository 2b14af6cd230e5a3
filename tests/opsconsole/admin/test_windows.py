"""Exam windows are set in the installation's zone, and each change leaves an event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import localtime, now

from opsconsole.models import Environment, Event, ExamWindow, ScalingPolicy
from tests.clients import signed_in
from tests.opsconsole.environments_made import environment

pytestmark = pytest.mark.django_db
LIST = "/admin/opsconsole/examwindow/"
WINDOW = {"name": "Spring", "starts_at": "2027-04-01T09:00", "ends_at": "2027-04-03T18:00"}


def test_an_empty_list_says_what_a_window_is_for(operator: Client) -> None:
    assert "No exam window yet" in operator.get(LIST).content.decode()


def test_its_times_are_in_the_zone_that_the_form_names(operator: Client) -> None:
    assert "Asia/Tokyo (JST, UTC+09:00)" in operator.get(f"{LIST}add/").content.decode()
    response = operator.post(f"{LIST}add/", {**WINDOW, "floor_web": "3"})
    assert response.status_code == 302
    window = ExamWindow.objects.get()
    assert window.starts_at == datetime(2027, 4, 1, 0, 0, tzinfo=UTC)
    assert window.floors == {"web": 3}
    event = Event.objects.get()
    assert (event.deed, event.actor, event.details["change"]) == (
        "window.changed",
        "operator",
        "added",
    )


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"ends_at": "2027-04-01T09:00"}, "ends_at", "The end must be later than the start."),
        ({"ends_at": "2026-04-01T09:00"}, "ends_at", "The end must be later than the start."),
        ({"starts_at": "in spring"}, "starts_at", "such as 2027-04-01T09:00 are expected"),
        ({"zone": "Mars/Olympus"}, "zone", "Mars/Olympus is not one of the available choices"),
        (
            {"zone": "Europe/Berlin", "starts_at": "2027-03-28T02:30"},
            "starts_at",
            "Clocks in Europe/Berlin skip 02:30 on 2027-03-28: they show 03:30 then.",
        ),
        ({"floor_web": "21"}, "floor_web", "less than or equal to 20"),
    ],
    ids=["its start", "before its start", "no time", "no zone", "skipped", "too many"],
)
def test_what_is_wrong_is_said_at_its_field(
    operator: Client, wrong: dict[str, str], field: str, says: str
) -> None:
    response = operator.post(f"{LIST}add/", {**WINDOW, **wrong})
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    assert list(errors) == [field]
    assert says in errors[field][0]
    assert not ExamWindow.objects.exists()


def test_times_are_those_of_the_windows_zone(operator: Client) -> None:
    operator.post(f"{LIST}add/", {**WINDOW, "zone": "Europe/Berlin"})
    window = ExamWindow.objects.get()
    assert window.starts_at == datetime(2027, 4, 1, 7, 0, tzinfo=UTC)
    assert 'value="2027-04-01T09:00"' in operator.get(f"{LIST}{window.pk}/change/").content.decode()
    assert "CEST" in operator.get(LIST).content.decode()


def test_of_times_that_clocks_show_twice_the_longer_window_is_made_and_said(
    operator: Client,
) -> None:
    twice = {"starts_at": "2027-10-31T02:15", "ends_at": "2027-10-31T02:15"}
    page = operator.post(f"{LIST}add/", {**WINDOW, **twice, "zone": "Europe/Berlin"}, follow=True)
    window = ExamWindow.objects.get()
    assert window.starts_at == datetime(2027, 10, 31, 0, 15, tzinfo=UTC)
    assert window.ends_at == datetime(2027, 10, 31, 1, 15, tzinfo=UTC)
    words = [str(message) for message in page.context["messages"]]
    assert any("twice: the window starts with the first" in word for word in words)
    assert any("twice: the window ends at the second" in word for word in words)
    # Saved again as shown, it stays as it is: the second of two moments is not taken for the first.
    start = {"starts_at": window.ends_at, "ends_at": window.ends_at + timedelta(hours=1)}
    ExamWindow.objects.update(**start)
    shown = {**WINDOW, "starts_at": "2027-10-31T02:15", "ends_at": "2027-10-31T03:15"}
    operator.post(f"{LIST}{window.pk}/change/", {**shown, "zone": "Europe/Berlin"})
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (start["starts_at"], start["ends_at"])


def exams_window(**more: object) -> ExamWindow:
    times = {
        "starts_at": datetime(2027, 4, 1, 0, 0, tzinfo=UTC),
        "ends_at": datetime(2027, 4, 3, 9, 0, tzinfo=UTC),
    }
    wanted: dict[str, object] = {"name": "PM", "exam": "PM-2027", "follows": True, **times, **more}
    return ExamWindow.objects.create(**wanted)


def test_a_window_that_follows_its_exam_keeps_its_times(operator: Client) -> None:
    address = f"{LIST}{exams_window().pk}/change/"
    later = {**WINDOW, "starts_at": "2027-04-01T10:00"}
    refused = operator.post(address, {**later, "follows": "on"}).context["adminform"].form.errors
    assert "follows the dates of its exam, PM-2027" in refused["starts_at"][0]
    assert operator.post(address, {**WINDOW, "follows": "on", "floor_web": "5"}).status_code == 302
    assert ExamWindow.objects.get().floors == {"web": 5}


def test_a_person_ends_that_and_sets_other_times(operator: Client) -> None:
    address = f"{LIST}{exams_window().pk}/change/"
    assert operator.post(address, {**WINDOW, "starts_at": "2027-04-01T10:00"}).status_code == 302
    window = ExamWindow.objects.get()
    assert (window.follows, window.starts_at) == (False, datetime(2027, 4, 1, 1, tzinfo=UTC))
    assert "no longer follows the dates of the exam PM-2027" in operator.get(LIST).content.decode()


def policy(service: str, **more: Any) -> ScalingPolicy:
    at_work = Environment.objects.filter(code="production").first() or environment()
    return ScalingPolicy.objects.create(
        environment=at_work, service=service, **{"dry_run": False, "most": 4, **more}
    )


def calendar_with(operator: Client, floors: dict[str, int]) -> str:
    start = localtime(now()).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=2)
    ExamWindow.objects.create(
        name="Soon", starts_at=start, ends_at=start + timedelta(hours=3), floors=floors
    )
    return operator.get(LIST).content.decode()


def test_the_calendar_has_the_window_on_its_day(operator: Client) -> None:
    page = calendar_with(operator, {})
    assert "<b>09:00–12:00</b> Soon" in page
    assert "deployments and rollbacks" in page
    assert "It sets no least number of replicas." in page


def test_the_calendar_says_from_when_replicas_are_asked_for_and_by_which_start(
    operator: Client,
) -> None:
    policy("web", startup_seconds=100.0)
    policy("worker")
    page = calendar_with(operator, {"web": 3, "worker": 2})
    assert "2 min 45 s before: a start was measured to take 1 min 40 s" in page
    assert "3 min 15 s before: no start was measured yet, and 2 min" in page
    assert "8:57 a.m." in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dry_run": True}, "the policy only says what it would do"),
        ({"paused_until": datetime(2099, 1, 1, tzinfo=UTC)}, "the policy is paused"),
        ({"most": 2}, "The policy allows 2 at most."),
    ],
    ids=["dry run", "paused", "its most"],
)
def test_the_calendar_says_what_keeps_a_policy_from_it(
    operator: Client, changes: dict[str, Any], says: str
) -> None:
    policy("web", **changes)
    assert says in calendar_with(operator, {"web": 3})


def test_the_calendar_says_that_no_policy_asks_for_it(operator: Client) -> None:
    assert "No scaling policy asks for them" in calendar_with(operator, {"inference": 2})


def test_a_window_over_midnight_is_on_both_days_and_one_until_midnight_on_one(
    operator: Client,
) -> None:
    noon = localtime(now()).replace(hour=12, minute=0, second=0, microsecond=0)
    night, midnight = noon + timedelta(days=1), noon + timedelta(days=1, hours=12)
    ExamWindow.objects.create(name="Over", starts_at=night, ends_at=night + timedelta(days=2))
    ExamWindow.objects.create(name="Until", starts_at=night, ends_at=midnight)
    page = operator.get(LIST).content.decode()
    for shown in ("12:00–", "all day", "–12:00"):
        assert f"<b>{shown}</b> Over" in page
    assert page.count("</b> Until") == 1
    assert "<b>12:00–00:00</b> Until" in page


def test_it_is_changed_and_removed_and_the_events_say_so(operator: Client) -> None:
    operator.post(f"{LIST}add/", {**WINDOW, "floor_web": "3"})
    window = ExamWindow.objects.get()
    page = operator.get(f"{LIST}{window.pk}/change/").content.decode()
    assert 'value="2027-04-01T09:00"' in page
    assert 'type="datetime-local"' in page
    operator.post(f"{LIST}{window.pk}/change/", {**WINDOW, "name": "Autumn"})
    window.refresh_from_db()
    assert (window.name, window.floors) == ("Autumn", {})
    operator.post(f"{LIST}{window.pk}/delete/", {"post": "yes"})
    assert not ExamWindow.objects.exists()
    changes = Event.objects.order_by("number").values_list("details__change", flat=True)
    assert list(changes) == ["added", "changed", "removed"]


def test_the_overview_announces_it(operator: Client) -> None:
    at = now()
    ExamWindow.objects.create(name="Now", starts_at=at, ends_at=at + timedelta(hours=1))
    ExamWindow.objects.create(
        name="Soon", starts_at=at + timedelta(days=2), ends_at=at + timedelta(days=3)
    )
    page = operator.get("/admin/").content.decode()
    assert "Exam window “Now” holds until" in page
    assert "Exam window “Soon” begins" in page


def test_viewers_see_windows_and_change_none() -> None:
    at = now()
    row = ExamWindow.objects.create(
        name="Now", starts_at=at, ends_at=at + timedelta(hours=1), floors={"web": 2}
    )
    viewer = signed_in("viewer")
    page = viewer.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "web: 2" in page
    assert viewer.post(f"{LIST}{row.pk}/change/", WINDOW).status_code == 403
    assert viewer.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
