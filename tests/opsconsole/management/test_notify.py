"""`manage.py notify --test CHANNEL` says whether the notice arrived."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from opsconsole.models import Channel, Event
from opsconsole.notices import telling
from tests.opsconsole.receivers import CANARY, Mail, Receiver, answers, channel_file

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "FIRST_WAIT", 0.01)


def notify(name: str) -> tuple[Any, int, str]:
    """What it prints on standard output, its exit, and what it prints on standard error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("notify", "--json", "--test", name, stdout=out, stderr=err)
    except SystemExit as exit_:
        return json.loads(out.getvalue()), int(str(exit_.code)), err.getvalue()
    return json.loads(out.getvalue()), 0, err.getvalue()


def test_a_notice_that_arrives(channels_dir: Path, mail: Mail) -> None:
    channel_file(channels_dir, "night", mail.url())
    Channel.objects.create(name="night")
    assert notify("night")[:2] == ({"channel": "night", "delivered": True}, 0)
    assert len(mail.letters) == 1
    tested = Event.objects.get()
    assert (tested.deed, tested.source, tested.result) == ("channel.tested", "command", "ok")


def test_a_notice_that_does_not_arrive(channels_dir: Path, receiver: Receiver) -> None:
    receiver.answer = answers(500)
    channel_file(channels_dir, "night", receiver.url)
    Channel.objects.create(name="night", language="en")
    result, status, err = notify("night")
    assert (result, status) == ({"channel": "night", "delivered": False}, 1)
    assert "the service answered 500" in err
    assert CANARY not in err
    assert Event.objects.get().result == "failed"


def test_an_unknown_channel_is_told() -> None:
    with pytest.raises(CommandError, match="there is no channel night"):
        notify("night")
