"""An archive is uploaded to the disk; the worker takes the backup in, untrusted until verified."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from opsconsole.backups import arrival, places
from opsconsole.backups.media import is_ours, missing_and_orphans
from opsconsole.gateways import archives
from opsconsole.models import Backup, Event
from opsconsole.tasks import take_backup
from pmscoring.base.lifecycle import WrongState
from tests.clients import signed_in
from tests.opsconsole.backups_made import made, with_files

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/admin/opsconsole/backup/upload/"
FILES = {"database/toc.dat": b"t" * 700, "database/3.dat.gz": b"d" * 300_000, "uploads.tar": b"u"}


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_DIR, settings.MEDIA_ROOT = tmp_path / "backups", tmp_path / "uploads"


@pytest.fixture
def archive(operator: Client) -> bytes:
    """The download of a backup that is then lost, with its row."""
    backup = made()
    folder = with_files(backup, places.folder(backup).parent, FILES)
    response: Any = operator.get(reverse("admin:opsconsole_backup_download", args=[backup.pk]))
    data = b"".join(response.streaming_content)
    folder.rename(folder.parent / "elsewhere")
    backup.delete()
    return data


def upload(browser: Client, data: bytes) -> Any:
    file = io.BytesIO(data)
    file.name = "backup.tar"
    return browser.post(ADDRESS, {"file": file}, follow=True)


def repacked(data: bytes, **changed: bytes) -> bytes:
    """The archive with other content of some files, by the ends of their names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            file = old.extractfile(member)
            content = file.read() if file else b""
            content = changed.get(Path(member.name).stem, content)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_a_download_can_be_uploaded_again_and_waits_to_be_verified(
    operator: Client, archive: bytes
) -> None:
    page = upload(operator, archive).content.decode()
    backup = Backup.objects.get()
    assert (backup.status, backup.origin, backup.verified_at) == ("waiting", "uploaded", None)
    assert 'id="backup-live" data-live' in page
    take_backup(backup.pk)
    backup.refresh_from_db()
    assert (backup.status, backup.reason, backup.verified_at) == ("stored", "", None)
    for path, content in FILES.items():
        assert (places.folder(backup) / path).read_bytes() == content
    assert not [*arrival.folder().iterdir()]
    page = operator.get(reverse("admin:opsconsole_backup_change", args=[backup.pk]))
    assert "was not restored on trial" in page.content.decode()
    assert Event.objects.filter(deed="backup.uploaded").get().actor == "operator"


def test_what_waits_is_in_no_backup_and_is_no_upload_without_a_row(
    operator: Client, archive: bytes, settings: Settings, tmp_path: Path
) -> None:
    upload(operator, archive)
    assert missing_and_orphans(settings.MEDIA_ROOT) == ([], [])
    packed = archives.pack(settings.MEDIA_ROOT, tmp_path / "uploads.tar", skip=is_ours)
    assert packed.files == 0


def test_a_damaged_file_fails_it_with_the_reason(operator: Client, archive: bytes) -> None:
    upload(operator, repacked(archive, uploads=b"x"))
    backup = Backup.objects.get()
    take_backup(backup.pk)
    backup.refresh_from_db()
    assert backup.status == "failed"
    assert "uploads.tar is damaged" in backup.reason
    assert not places.folder(backup).exists()
    assert not [*arrival.folder().iterdir()]


@pytest.mark.parametrize("kind", ["link", "up", "extra"])
def test_an_archive_with_what_does_not_belong_there_fails(
    operator: Client, archive: bytes, kind: str, tmp_path: Path
) -> None:
    more = tarfile.TarInfo({"link": "b/link", "up": "../up", "extra": "extra"}[kind])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        top = tar.getnames()[0].partition("/")[0]
    if kind == "link":
        more.type, more.linkname = tarfile.SYMTYPE, "/etc/passwd"
    if kind == "extra":
        more.name = f"{top}/extra"
    data = more.tobuf() + archive
    upload(operator, data)
    backup = Backup.objects.get()
    take_backup(backup.pk)
    backup.refresh_from_db()
    assert backup.status == "failed"
    assert backup.reason
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize("data", [b"", b"no archive" * 100, b"\0" * 10240])
def test_what_is_no_archive_of_a_backup_is_refused_at_once(operator: Client, data: bytes) -> None:
    page = upload(operator, data).content.decode()
    assert "alert" in page or "error" in page
    assert not Backup.objects.exists()
    assert not [*arrival.folder().iterdir()]


def test_a_manifest_of_another_name_is_refused(operator: Client, archive: bytes) -> None:
    page = upload(operator, repacked(archive, manifest=b'{"format": 2}')).content.decode()
    assert "format 2 instead of 1" in page
    assert not Backup.objects.exists()


def test_a_backup_that_is_here_is_refused(operator: Client, archive: bytes) -> None:
    upload(operator, archive)
    take_backup(Backup.objects.get().pk)
    assert "is already here" in upload(operator, archive).content.decode()
    assert Backup.objects.count() == 1


def test_a_backup_whose_files_are_gone_comes_back_under_its_row(
    operator: Client, archive: bytes
) -> None:
    upload(operator, archive)
    backup = Backup.objects.get()
    take_backup(backup.pk)
    backup.refresh_from_db()
    places.folder(backup).rename(places.folder(backup).with_name("lost"))
    Backup.objects.update(verified_at=backup.requested_at, removed_at=backup.requested_at)
    upload(operator, archive)
    take_backup(backup.pk)
    backup.refresh_from_db()
    assert (backup.status, backup.verified_at, backup.removed_at) == ("stored", None, None)


def test_a_worker_that_was_killed_is_followed_by_another(operator: Client, archive: bytes) -> None:
    upload(operator, archive)
    backup = Backup.objects.get()
    backup.claim()
    with pytest.raises(WrongState):
        take_backup(backup.pk)
    partial = places.folder(backup).with_name(f"{backup.name}.partial")
    partial.mkdir(parents=True)
    (partial / "half").write_bytes(b"x")
    backup.release()
    take_backup(backup.pk)
    backup.refresh_from_db()
    assert backup.status == "stored"
    assert not partial.exists()


def test_only_operators_upload_and_no_forged_request(operator: Client, archive: bytes) -> None:
    assert "untrusted until it is verified" in operator.get(ADDRESS).content.decode()
    assert upload(signed_in("viewer"), archive).status_code == 403
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = operator.cookies
    assert upload(forged, archive).status_code == 403
    assert not Backup.objects.exists()
    assert not [*arrival.folder().iterdir()]


def test_an_upload_larger_than_what_is_free_is_refused_before_it_is_read(
    operator: Client, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.admin.archive_upload.SPARE", 2**62)
    assert "larger than what is free" in upload(operator, archive).content.decode()
    assert not Backup.objects.exists()
