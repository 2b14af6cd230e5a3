"""Exam windows are set in the installation's zone, and each change leaves an event."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Event, ExamWindow
from tests.clients import signed_in

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


def test_a_window_that_ends_before_it_starts_is_refused(operator: Client) -> None:
    response = operator.post(f"{LIST}add/", {**WINDOW, "ends_at": "2027-04-01T09:00"})
    assert "The end must be later than the start." in response.content.decode()
    assert not ExamWindow.objects.exists()


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
