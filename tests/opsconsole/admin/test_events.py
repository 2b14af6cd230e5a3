"""The page of events: who sees it, how it is searched, and that nothing on it can be changed."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localtime

from opsconsole.admin import events as events_page
from opsconsole.models import BackupPlan, Caller, Channel, Event
from opsconsole.models.chain_files import verified
from opsconsole.models.deeds import DEEDS
from tests.clients import signed_in
from tests.opsconsole.chains import as_owner, recorded

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_plan")]
LIST = reverse("admin:opsconsole_event_changelist")


@pytest.fixture(params=["operator", "viewer"])
def browser(request: pytest.FixtureRequest) -> Client:
    return signed_in(request.param)


def rows(browser: Client, **query: str) -> list[str]:
    """The deeds that the list shows."""
    context: Any = browser.get(LIST, query).context
    return [event.deed for event in context["cl"].result_list]


def change_page(event: Event) -> str:
    return reverse("admin:opsconsole_event_change", args=[event.pk])


def test_every_deed_has_a_name_in_the_list(browser: Client) -> None:
    for code in DEEDS:
        Event.objects.record(code, BackupPlan.objects.get())
    page = browser.get(LIST).content.decode()
    assert [code for code, deed in DEEDS.items() if str(deed.name) not in page] == []


@pytest.mark.parametrize("role", ["exam manager", "marker", "client", "adjudicator"])
def test_others_see_nothing(role: str) -> None:
    event = recorded(1)[0]
    other = signed_in(role)
    for address in (LIST, change_page(event), f"{LIST}export/", f"{LIST}check/"):
        assert other.get(address).status_code == 403
    assert Event.objects.count() == 1


def test_nothing_can_be_added_changed_or_deleted() -> None:
    event = recorded(1)[0]
    for role in ("operator", "superuser"):
        browser = signed_in(role)
        assert browser.get(reverse("admin:opsconsole_event_add")).status_code == 403
        assert browser.post(change_page(event), {"actor": "x"}).status_code == 403
        deletion = reverse("admin:opsconsole_event_delete", args=[event.pk])
        assert browser.post(deletion, {"post": "yes"}).status_code == 403
        browser.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk]})
    assert Event.objects.get().actor == ""


def test_it_is_filtered_by_deed_result_person_object_and_time(browser: Client) -> None:
    plan = BackupPlan.objects.get()
    Event.objects.record("plan.changed", plan, Caller("ann", "admin", "192.0.2.7"))
    Event.objects.record("backup.failed", None, Caller("bob", "rest"), result="failed")
    assert rows(browser, deed="plan.changed") == ["plan.changed"]
    assert rows(browser, result__exact="failed") == ["backup.failed"]
    assert rows(browser, actor="bob") == ["backup.failed"]
    assert rows(browser, source__exact="rest") == ["backup.failed"]
    assert rows(browser, object_type="backupplan") == ["plan.changed"]
    assert rows(browser, q=plan.name) == rows(browser, q="192.0.2.7") == ["plan.changed"]
    assert rows(browser, at__year="1999") == []
    assert len(rows(browser, at__gte="1999-01-01")) == 2


def test_a_page_shows_all_of_an_event_and_leads_to_its_object(browser: Client) -> None:
    channel = Channel.objects.create(name="night")
    event = Event.objects.record("channel.changed", channel, Caller("ann", "admin"), language="ja")
    page = browser.get(change_page(event)).content.decode()
    assert reverse("admin:opsconsole_channel_change", args=[channel.pk]) in page
    assert event.hash in page
    at = f"{localtime(event.at):%Y-%m-%d %H:%M:%S}"
    for text in ("channel changed", "ann", "language", "night", at):
        assert text in page
    assert "(&#x27;" not in page, "a column's colour and text, as a field"


def test_the_list_says_that_the_chain_is_whole_or_where_it_is_broken(browser: Client) -> None:
    assert "Nothing has happened yet" in browser.get(LIST).content.decode()
    recorded(3)
    assert "Chain intact: all 3 events" in browser.get(LIST).content.decode()
    as_owner("UPDATE opsconsole_event SET actor = 'x' WHERE number = 2")
    assert "event 2 was changed, removed or moved" in browser.get(LIST).content.decode()


def test_of_a_long_chain_the_list_verifies_the_newest_and_a_button_all(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_page, "LOOKED_AT", 2)
    recorded(5)
    assert "the newest 2 of 5 events" in browser.get(LIST).content.decode()
    assert (
        "All 5 events are as recorded" in browser.get(f"{LIST}check/", follow=True).content.decode()
    )
    as_owner("UPDATE opsconsole_event SET actor = 'x' WHERE number = 2")
    assert "Chain intact" in browser.get(LIST).content.decode()
    page = browser.get(f"{LIST}check/", follow=True).content.decode()
    assert "Event 2 was changed, removed or moved" in page


def test_the_export_verifies_alone_and_leaves_an_event(browser: Client) -> None:
    recorded(3)
    response: Any = browser.get(f"{LIST}export/", REMOTE_ADDR="192.0.2.7")
    assert response["Content-Disposition"].startswith('attachment; filename="events-')
    lines = b"".join(response.streaming_content).splitlines(keepends=True)
    assert verified(lines) == {"events": 4, "intact": True, "broken_at": None}
    last = Event.objects.latest("number")
    assert (last.deed, last.source, last.address) == ("events.exported", "admin", "192.0.2.7")
    assert last.actor in ("operator", "viewer")


def test_the_list_asks_the_database_no_more_often_for_more_events(browser: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(LIST)
        return len(queries)

    recorded(2)
    before = asked()
    recorded(20)
    assert asked() == before


def test_details_are_named_in_the_language_of_the_reader() -> None:
    plan = BackupPlan.objects.get()
    event = Event.objects.record("backup.failed", plan, reason="the disk is full", attempt=2)
    page = signed_in("viewer", "ja").get(change_page(event)).content.decode()
    assert '<th scope="row">理由</th><td>the disk is full</td>' in page
    assert '<th scope="row">attempt</th><td>2</td>' in page
