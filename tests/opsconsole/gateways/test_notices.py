"""Notices arrive at real servers; one that does not says why, and never where it was to go."""

import socket
import time
from pathlib import Path

import pytest

from opsconsole.gateways import notices
from opsconsole.gateways.notices import NoticeError
from tests.local_servers import free_port
from tests.opsconsole.logged import Logged
from tests.opsconsole.receivers import CANARY, Mail, Receiver, answers, channel_file, trickles


def assert_no_canary(logged: Logged, *texts: str) -> None:
    assert CANARY not in "\n".join([logged.text, *texts])


def test_it_arrives_by_mail(channels_dir: Path, mail: Mail, logged: Logged) -> None:
    channel_file(channels_dir, "night", mail.url())
    notices.send("night", "バックアップ失敗", "理由: 空きがない\n二行目")
    (letter,) = mail.letters
    body = letter.get_payload(decode=True)
    assert "理由: 空きがない\n二行目" in body.decode().replace("\r\n", "\n")  # type: ignore[union-attr]
    assert letter["To"] == "ops@example.org"
    assert_no_canary(logged, letter.as_string())


def test_it_arrives_at_every_address_of_the_file(
    channels_dir: Path, mail: Mail, receiver: Receiver, logged: Logged
) -> None:
    channel_file(channels_dir, "both", receiver.url, "", mail.url())
    notices.send("both", "title", "body")
    assert len(mail.letters) == 1
    assert [(notice["title"], notice["message"]) for notice in receiver.notices] == [
        ("title", "body")
    ]
    assert_no_canary(logged)


def test_a_server_that_refuses_is_quoted_by_its_status(
    channels_dir: Path, receiver: Receiver, logged: Logged
) -> None:
    receiver.answer = answers(403)
    channel_file(channels_dir, "night", receiver.url)
    with pytest.raises(NoticeError, match="the service answered 403") as failure:
        notices.send("night", "t", "b")
    assert_no_canary(logged, str(failure.value), repr(failure.getrepr()))


def test_a_mail_server_that_refuses_the_password_is_quoted_by_its_status(
    channels_dir: Path, mail: Mail, logged: Logged
) -> None:
    channel_file(channels_dir, "night", mail.url("wrong-password"))
    with pytest.raises(NoticeError, match="the service answered 535"):
        notices.send("night", "t", "b")
    assert "wrong-password" not in logged.text


def test_a_dead_address_fails_soon(channels_dir: Path, logged: Logged) -> None:
    channel_file(channels_dir, "night", f"json://ann:{CANARY}@127.0.0.1:{free_port()}/{CANARY}")
    with pytest.raises(NoticeError, match="could not be reached") as failure:
        notices.send("night", "t", "b")
    assert_no_canary(logged, str(failure.value))


def test_a_server_that_never_ends_its_answer_is_left(
    channels_dir: Path, receiver: Receiver
) -> None:
    receiver.answer = trickles
    channel_file(channels_dir, "night", receiver.url)
    began = time.monotonic()
    with pytest.raises(NoticeError, match="did not answer within 1 seconds"):
        notices.send("night", "t", "b", seconds=1)
    assert time.monotonic() - began < 3


def test_a_server_that_says_nothing_is_left(channels_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        channel_file(
            channels_dir, "night", f"mailto://ann:{CANARY}@127.0.0.1:{port}?from=a@b.org&to=a@b.org"
        )
        with pytest.raises(NoticeError, match="within 1 seconds"):
            notices.send("night", "t", "b", seconds=1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no address"),
        ("# nothing\n\n", "holds no address"),
        (f"nonsense://ann:{CANARY}@host", "an address that apprise cannot use"),
        (f"mailto://{CANARY}", "an address that apprise cannot use"),
        (f"{CANARY}", "an address that apprise cannot use"),
    ],
)
def test_a_file_that_is_wrong_is_told_without_its_content(
    channels_dir: Path, content: str, reason: str, logged: Logged
) -> None:
    (channels_dir / "night").write_text(content, "utf-8")
    with pytest.raises(NoticeError, match=reason) as failure:
        notices.send("night", "t", "b")
    assert_no_canary(logged, str(failure.value))


def test_a_missing_file_is_told(channels_dir: Path) -> None:
    with pytest.raises(NoticeError, match=r"CHANNELS_DIR/night cannot be read: No such file"):
        notices.send("night", "t", "b")


@pytest.mark.parametrize("name", ["../stores/offsite", "a/b", "", ".", "NIGHT"])
def test_a_name_that_leaves_the_folder_is_refused(channels_dir: Path, name: str) -> None:
    with pytest.raises(NoticeError, match="not a valid name of a channel"):
        notices.send(name, "t", "b")
