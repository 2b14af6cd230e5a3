"""A disk that fills up: what is sent is refused with the reason, until there is room again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from scoring.models import Answer, Upload
from tests import sample_exam as sample
from tests.clients import client_for, named_file, signed_in

MIB = 1024 * 1024
CSV = "candidate,question,text\nc1,Q1,答え\n".encode()
PLENTY = 10**18
pytestmark = pytest.mark.django_db(transaction=True)


class SmallDisk:
    """A disk of its own, with a file that fills it up."""

    def __init__(self, place: Path) -> None:
        self.place, self.ballast = place, place / "ballast"

    def fill(self) -> None:
        with self.ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(MIB // 16)):
                    pass
            except OSError:
                return

    def clear(self) -> None:
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Of 16 MiB, where this account may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a disk")
    yield SmallDisk(place)
    subprocess.run(["umount", "-l", str(place)], check=True)


def submission(candidate: str, text: str) -> dict[str, Any]:
    answers = [{"question": "Q1", "text": text}]
    return {"exam": "SAMPLE-PM", "candidate": candidate, "answers": answers}


def hand_in(client: Client, candidate: str, text: str = "答え") -> Any:
    body = submission(candidate, text)
    return client.post("/api/v1/submissions", body, content_type="application/json")


def post_file(client: Client) -> Any:
    form = {"file": named_file("answers.csv", CSV)}
    return client.post("/api/v1/uploads?exam=SAMPLE-PM", form)


def is_refused(response: Any) -> bool:
    problem = response["Content-Type"] == "application/problem+json"
    return response.status_code == 507 and problem and bool(response.json()["detail"])


def test_no_answers_are_taken_while_the_disk_is_below_its_reserve(settings: Settings) -> None:
    address = f"/admin/scoring/exam/{sample.load('Q1').pk}/upload/"
    client, page = client_for("exam manager"), signed_in("exam manager")
    settings.DISK_RESERVE_BYTES = PLENTY
    assert is_refused(hand_in(client, "c1"))
    assert is_refused(post_file(client))
    bulk = client.post("/api/v1/submissions/bulk", "{}", content_type="application/x-ndjson")
    assert is_refused(bulk)
    shown = page.post(address, {"file": named_file("answers.csv", CSV)})
    assert "nearly full" in shown.content.decode()
    assert not Answer.objects.exists()
    assert not Upload.objects.exists()
    settings.DISK_RESERVE_BYTES = 0
    assert hand_in(client, "c1").status_code == 202
    assert post_file(client).status_code == 202


def test_an_upload_that_no_longer_fits_leaves_nothing(settings: Settings, disk: SmallDisk) -> None:
    sample.load("Q1")
    client = client_for("exam manager")
    settings.MEDIA_ROOT, settings.DISK_RESERVE_BYTES = disk.place / "uploads", 0
    (disk.place / "uploads").mkdir()
    disk.fill()
    settings.DISK_RESERVE_BYTES = -MIB  # As if the rest were taken right after the look.
    client.raise_request_exception = False
    assert is_refused(post_file(client))
    assert not Upload.objects.exists()
    disk.clear()
    settings.DISK_RESERVE_BYTES = 0
    assert post_file(client).status_code == 202


NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE SQLSTATE ''53100'' USING MESSAGE = ''could not extend file''; END';
CREATE TRIGGER no_room BEFORE INSERT ON scoring_answer EXECUTE FUNCTION no_room();
"""


@pytest.fixture
def room() -> Iterator[Callable[[], None]]:
    """PostgreSQL says that its disk is full, until room is made by a call."""

    def make() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION IF EXISTS no_room CASCADE")

    with connection.cursor() as cursor:
        cursor.execute(NO_ROOM)
    yield make
    make()


def test_a_database_without_room_refuses_and_comes_back(room: Callable[[], None]) -> None:
    sample.load("Q1")
    client = client_for("exam manager")
    client.raise_request_exception = False
    assert is_refused(hand_in(client, "c1"))
    assert not Answer.objects.exists()
    room()
    assert hand_in(client, "c1").status_code == 202
