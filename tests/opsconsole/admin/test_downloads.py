"""A backup is downloaded as one archive, which goes on where it broke off."""

import io
import tarfile
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from opsconsole.models import Backup, Event
from tests.clients import signed_in
from tests.opsconsole.backups_made import made, with_files

pytestmark = pytest.mark.django_db
FILES = {
    "database/toc.dat": b"t" * 700,
    "database/3.dat.gz": b"d" * 300_000,
    "uploads.tar": b"",
    f"configuration/{'long' * 40}.txt": b"x",
}


@pytest.fixture
def backup(settings: Settings, tmp_path: Path) -> Backup:
    settings.BACKUP_DIR = tmp_path
    backup = made()
    with_files(backup, tmp_path, FILES)
    return backup


def address(backup: Backup) -> str:
    return reverse("admin:opsconsole_backup_download", args=[backup.pk])


def content(response: object) -> bytes:
    return b"".join(getattr(response, "streaming_content"))  # noqa: B009


def test_it_is_an_archive_with_every_file_below_the_name_of_the_backup(
    operator: Client, backup: Backup
) -> None:
    response = operator.get(address(backup))
    data = content(response)
    assert response["Content-Length"] == str(len(data))
    assert response["Content-Disposition"] == f'attachment; filename="{backup.name}.tar"'
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for path, wanted in FILES.items():
            member = archive.extractfile(f"{backup.name}/{path}")
            assert member is not None
            assert member.read() == wanted
        assert f"{backup.name}/manifest.json" in archive.getnames()


def test_what_broke_off_goes_on_from_any_byte(operator: Client, backup: Backup) -> None:
    whole = operator.get(address(backup))
    data = content(whole)
    for first in (0, 1, 511, 512, 700, 2048, 200_000, len(data) - 1):
        response = operator.get(
            address(backup), headers={"Range": f"bytes={first}-", "If-Range": whole["ETag"]}
        )
        assert response.status_code == (206 if first else 200)
        assert content(response) == data[first:]
    middle = operator.get(address(backup), headers={"Range": "bytes=1000-1999"})
    assert middle["Content-Range"] == f"bytes 1000-1999/{len(data)}"
    assert content(middle) == data[1000:2000]
    assert content(operator.get(address(backup), headers={"Range": "bytes=-7"})) == data[-7:]


def test_a_range_beyond_the_end_is_refused_and_one_of_other_content_gets_all(
    operator: Client, backup: Backup
) -> None:
    size = int(operator.head(address(backup))["Content-Length"])
    beyond = operator.get(address(backup), headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{size}")
    for headers in (
        {"Range": "bytes=5-", "If-Range": '"another"'},
        {"Range": "bytes=0-1,5-6"},
        {"Range": "bytes=9-5"},
        {"Range": "lines=1-"},
    ):
        response = operator.get(address(backup), headers=headers)
        assert response.status_code == 200
        assert len(content(response)) == size


def test_each_download_leaves_an_event_and_a_look_at_its_size_none(
    operator: Client, backup: Backup
) -> None:
    operator.head(address(backup))
    assert not Event.objects.exists()
    operator.get(address(backup), headers={"Range": "bytes=1000-1999"})
    event = Event.objects.get()
    assert (event.deed, event.actor, event.source) == ("backup.downloaded", "operator", "admin")
    assert event.details == {"first": 1000, "last": 1999}


def test_a_viewer_gets_nothing(backup: Backup) -> None:
    response = signed_in("viewer").get(address(backup))
    assert response.status_code == 302
    assert not Event.objects.exists()


def test_a_backup_whose_folder_is_gone_says_so(operator: Client) -> None:
    response = operator.get(address(made()), follow=True)
    assert "is not in the backup folder" in response.content.decode()


def test_a_link_in_the_folder_leads_nowhere(
    operator: Client, backup: Backup, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    (tmp_path / backup.name / "link").symlink_to(secret)
    with tarfile.open(fileobj=io.BytesIO(content(operator.get(address(backup))))) as archive:
        assert not any(name.endswith("link") for name in archive.getnames())
