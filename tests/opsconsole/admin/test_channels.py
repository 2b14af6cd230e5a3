"""Channels in the admin: operators add, test and remove them; the address is seen nowhere."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from opsconsole.models import Channel, Event
from opsconsole.notices import telling
from tests.clients import form_data, signed_in
from tests.opsconsole.receivers import CANARY, Receiver, answers, channel_file

pytestmark = pytest.mark.django_db
LIST = reverse("admin:opsconsole_channel_changelist")
ADD = reverse("admin:opsconsole_channel_add")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "FIRST_WAIT", 0.01)


@pytest.fixture
def operator(channels_dir: Path) -> Client:
    return signed_in("operator")


@pytest.fixture
def channel(channels_dir: Path, receiver: Receiver, db: None) -> Channel:
    channel_file(channels_dir, "night", receiver.url)
    return Channel.objects.create(name="night", language="en")


def page_of(channel: Channel, name: str = "change") -> str:
    return reverse(f"admin:opsconsole_channel_{name}", args=[channel.pk])


def events() -> list[tuple[str, dict[str, object]]]:
    return [(event.deed, event.details) for event in Event.objects.order_by("number")]


def test_it_is_added_and_changed_and_each_leaves_an_event(operator: Client) -> None:
    operator.post(ADD, {"name": "night", "enabled": "on", "language": "ja"})
    channel = Channel.objects.get()
    operator.post(page_of(channel), {"enabled": "on", "successes": "on", "language": "ja"})
    channel.refresh_from_db()
    assert channel.successes
    added, changed = Event.objects.order_by("number")
    assert (added.deed, added.details["change"]) == ("channel.changed", "added")
    assert changed.details == {"change": "changed", "successes": True}
    assert (changed.actor, changed.source, changed.object_name) == ("operator", "admin", "night")


@pytest.mark.parametrize("name", ["Night", "../stores/offsite", "a b", ""])
def test_a_name_that_is_no_file_s_is_refused(operator: Client, name: str) -> None:
    page = operator.post(ADD, {"name": name, "enabled": "on", "language": "ja"})
    assert page.status_code == 200
    assert not Channel.objects.exists()


def test_its_name_stays(operator: Client, channel: Channel) -> None:
    operator.post(page_of(channel), {**form_data(operator, page_of(channel)), "name": "other"})
    channel.refresh_from_db()
    assert channel.name == "night"


def test_a_form_takes_back_nothing_that_a_worker_wrote(
    operator: Client, channel: Channel, receiver: Receiver
) -> None:
    form = form_data(operator, page_of(channel)) | {"successes": "on"}
    Event.objects.record("backup.failed")
    telling.tell_all()
    operator.post(page_of(channel), form)
    channel.refresh_from_db()
    assert channel.successes
    assert channel.delivered_at
    assert telling.tell_all() == 0


def test_one_that_is_switched_on_again_is_told_of_what_happens_from_then_on(
    operator: Client, channel: Channel, receiver: Receiver
) -> None:
    operator.post(page_of(channel), {"language": "en"})
    Event.objects.record("backup.failed")
    telling.tell_all()
    operator.post(page_of(channel), {"language": "en", "enabled": "on"})
    telling.tell_all()
    assert receiver.notices == []


def test_it_is_removed_and_its_file_stays(
    operator: Client, channel: Channel, channels_dir: Path
) -> None:
    operator.post(page_of(channel, "delete"), {"post": "yes"})
    again = Channel.objects.create(name="night")
    chosen = {"action": "delete_selected", "_selected_action": [again.pk], "post": "yes"}
    operator.post(LIST, chosen)
    assert not Channel.objects.exists()
    assert events() == [("channel.changed", {"change": "removed"})] * 2
    assert (channels_dir / "night").exists()


def test_a_test_is_asked_for_confirmed_sent_and_shown(
    operator: Client, channel: Channel, receiver: Receiver
) -> None:
    address = reverse("admin:opsconsole_channel_send_test", args=[channel.pk])
    assert "Send a test notice to night?" in operator.get(address).content.decode()
    assert events() == []
    page = operator.post(address, follow=True).content.decode()
    assert "A notice is on its way" in page
    assert "data-live" in page
    telling.tell_all()
    assert len(receiver.notices) == 1
    assert events() == [("channel.test_requested", {}), ("channel.tested", {})]
    page = operator.get(page_of(channel)).content.decode()
    assert "Last delivered" in page
    assert "data-live" not in page


def test_a_fault_is_shown_with_the_next_try_and_never_the_address(
    operator: Client, channel: Channel, receiver: Receiver
) -> None:
    receiver.answer = answers(403)
    operator.post(reverse("admin:opsconsole_channel_send_test", args=[channel.pk]))
    telling.tell_all()
    page = operator.get(page_of(channel)).content.decode()
    assert "the service answered 403" in page
    assert "Next try" in page
    listed = operator.get(LIST).content.decode()
    assert "failing" in listed
    assert CANARY not in page + listed


def test_one_without_a_file_says_what_to_do(operator: Client) -> None:
    channel = Channel.objects.create(name="nowhere")
    assert "without a file" in operator.get(LIST).content.decode()
    assert (
        "There is no file nowhere in CHANNELS_DIR"
        in operator.get(page_of(channel)).content.decode()
    )


def test_one_that_is_off_is_not_tested(operator: Client, channel: Channel) -> None:
    Channel.objects.update(enabled=False)
    address = reverse("admin:opsconsole_channel_send_test", args=[channel.pk])
    assert "switch it on first" in operator.post(address, follow=True).content.decode()
    assert events() == []


def test_a_viewer_sees_and_changes_nothing(channel: Channel) -> None:
    viewer = signed_in("viewer")
    assert viewer.get(LIST).status_code == viewer.get(page_of(channel)).status_code == 200
    test = reverse("admin:opsconsole_channel_send_test", args=[channel.pk])
    assert viewer.get(ADD).status_code == 403
    for address in (page_of(channel), page_of(channel, "delete"), test):
        assert viewer.post(address, {"post": "yes"}).status_code == 403
    assert events() == []


@pytest.mark.parametrize("role", ["exam manager", "marker", "client"])
def test_others_see_nothing(channel: Channel, role: str) -> None:
    other = signed_in(role)
    assert other.get(LIST).status_code == other.get(page_of(channel)).status_code == 403
