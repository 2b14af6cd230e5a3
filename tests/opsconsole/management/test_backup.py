"""`manage.py backup` and `manage.py verify`: what they print, and their exits."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation
from pyrage import x25519
from pytest_django import Settings

from opsconsole.backups import alone
from opsconsole.models import Backup, Event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path, backup_dir: Path) -> Path:
    """Folders of this test's own for uploads and backups."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MEDIA_ROOT.mkdir()
    return backup_dir


def ran(*words: str) -> tuple[dict[str, Any], int]:
    """The document that the command prints with --json, and its exit."""
    out = io.StringIO()
    try:
        call_command(*words, "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as exit_:
        return json.loads(out.getvalue()), int(str(exit_.code))
    return json.loads(out.getvalue()), 0


def said(*words: str) -> tuple[str, str]:
    """What the command prints for people, and what it says beside."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*words: str) -> CommandError:
    with pytest.raises(CommandError) as failure:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    return failure.value


def test_it_makes_a_backup_and_prints_the_contracts_document(folders: Path) -> None:
    document, status = ran("backup", "--note", "before the exam")
    assert status == 0
    backup = Backup.objects.get()
    assert document["id"] == str(backup.uid)
    assert document["path"] == str(folders / backup.name)
    assert document["state"] == "stored"
    assert document["verified"]
    assert document["verify_seconds"] > 0
    assert document["seconds"] > 0
    assert document["bytes"] == sum(part["bytes"] for part in document["parts"])
    assert [part["name"] for part in document["parts"]] == ["database", "uploads", "configuration"]
    assert document["parts"][0]["rows"] > 0
    assert document["stores"] == [{"name": "local", "state": "stored", "reason": ""}]
    assert Event.objects.get(deed="backup.requested").source == "command"


def test_it_tells_people_what_was_made_and_shows_its_progress(folders: Path) -> None:
    out, err = said("backup", "--only", "database,uploads")
    assert str(folders) in out
    assert "verified: restored in" in out
    assert "configuration" not in out
    assert "backup [####" in err


def test_a_backup_that_fails_exits_with_1_and_its_reason(settings: Settings) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    document, status = ran("backup", "--only", "redis")
    assert (document["state"], status) == ("failed", 1)
    assert "Connection refused" in document["reason"]


def test_the_command_line_speaks_english_whatever_the_language_of_the_pages_is() -> None:
    with translation.override("ja"):
        ran("backup", "--only", "uploads")
    assert Backup.objects.get().language == "en"


def test_it_is_busy_while_another_backup_is_made() -> None:
    with alone.only_backup():
        error = refused("backup")
    assert (error.returncode, str(error)) == (75, "another backup is under way")
    assert not Backup.objects.exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--plan", "hourly"], 2, "there is no plan hourly"),
        (["--to", "moon"], 2, "there is no store moon"),
        (["--only", "everything"], 3, "no such part: everything"),
        (["--encrypt-to", "age1x"], 3, "line 1 is not a public key"),
    ],
)
def test_what_is_not_known_is_refused(words: list[str], status: int, says: str) -> None:
    error = refused("backup", *words)
    assert error.returncode == status
    assert says in str(error)
    assert not Backup.objects.exists()


def test_verify_takes_an_id_its_beginning_a_name_or_a_folder(folders: Path) -> None:
    made, _ = ran("backup", "--only", "uploads")
    for word in (made["id"], made["id"][:8], made["name"], made["path"]):
        document, status = ran("verify", word)
        assert status == 0
        assert document["id"] == made["id"]
        assert document["verified"] is True
        assert {check["name"] for check in document["checks"]} == {"manifest", "files", "uploads"}


def test_verify_says_where_it_compared_hashes_alone(tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    (tmp_path / "identity").write_text(str(key))
    made, _ = ran("backup", "--only", "uploads", "--encrypt-to", str(key.to_public()))
    document, status = ran("verify", made["name"])
    assert (status, document["ok"], document["verified"]) == (0, True, False)
    out, _ = said("verify", made["name"])
    assert "hashes alone were compared" in out
    document, status = ran("verify", made["name"], "--identity", str(tmp_path / "identity"))
    assert (status, document["verified"]) == (0, True)


def test_verify_exits_with_1_where_it_is_damaged(folders: Path) -> None:
    made, _ = ran("backup", "--only", "uploads")
    (folders / made["name"] / "uploads.tar").write_bytes(b"x")
    document, status = ran("verify", made["name"])
    assert (status, document["verified"]) == (1, False)
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("verify", made["path"], stdout=out, stderr=io.StringIO())
    assert "BAD files: uploads.tar has 1 bytes instead of" in out.getvalue()


def test_verify_says_that_there_is_no_such_backup() -> None:
    assert refused("verify", "nothing").returncode == 2


def test_verify_says_that_a_file_is_no_identity(tmp_path: Path) -> None:
    key = x25519.Identity.generate().to_public()
    made, _ = ran("backup", "--only", "uploads", "--encrypt-to", str(key))
    (tmp_path / "identity").write_text("nonsense")
    error = refused("verify", made["name"], "--identity", str(tmp_path / "identity"))
    assert error.returncode == 1
    assert "not an age identity file" in str(error)
