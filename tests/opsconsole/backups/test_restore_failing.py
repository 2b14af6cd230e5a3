"""Whatever goes wrong in a restore, live data are as they were, and the reason is there."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from opsconsole.backups import manifest
from opsconsole.gateways import shell
from tests.opsconsole.site import ADMIN, Site
from tests.opsconsole.sites import backed_up, write_manifest

WITHOUT_SAFETY = ("--no-safety-backup", "--reason", "a test", "--yes")


def another_row_count(folder: Path) -> None:
    document = manifest.read(folder)
    document["tables"]["scoring_exam"]["rows"] += 1
    manifest.write(folder, document)


def one_flipped_bit(folder: Path) -> None:
    archive = folder / "uploads.tar"
    content = bytearray(archive.read_bytes())
    content[600] ^= 1
    archive.write_bytes(content)


def a_path_that_leads_out(folder: Path) -> None:
    document = manifest.read(folder)
    document["parts"][0]["files"][0]["path"] = "../../etc/passwd"
    manifest.write(folder, document)


def a_cut_off_archive(folder: Path) -> None:
    (folder / "uploads.tar").write_bytes(b"\0" * 100)
    write_manifest(folder, manifest.read(folder))


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (another_row_count, "these tables differ from the manifest: scoring_exam"),
    (one_flipped_bit, "uploads.tar is damaged: its hash differs"),
    (a_path_that_leads_out, "is not a path inside a backup"),
    (a_cut_off_archive, "uploads.tar is damaged"),
]


@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_a_damaged_backup_leaves_everything_as_it_was(
    site: Site, fault: Callable[[Path], None], says: str
) -> None:
    folder = backed_up(site)
    fault(folder)
    tables, files = site.tables(), site.files()

    done = site.manage("restore", str(folder), *WITHOUT_SAFETY)

    assert done.returncode == 1
    assert says in done.stderr
    assert (site.tables(), site.files()) == (tables, files)
    assert site.databases() == {site.live}
    assert not list(site.uploads.glob(".*"))
    assert site.value("SELECT status FROM opsconsole_restore") == "failed"
    assert says in site.value("SELECT reason FROM opsconsole_restore")
    last = "SELECT deed || ' ' || result FROM opsconsole_event ORDER BY number DESC LIMIT 1"
    assert site.value(last) == "restore.failed failed"


@pytest.fixture
def small_disk(site: Site, tmp_path: Path) -> Iterator[None]:
    """The uploads lie on a file system of 32 MB, which is less than what is always left free."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small file system")
    aside = site.uploads.rename(tmp_path / "aside")
    site.uploads.mkdir()
    try:
        shell.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(site.uploads)])
    except shell.ShellError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    shutil.copytree(aside, site.uploads, dirs_exist_ok=True)
    yield
    shell.run(["umount", str(site.uploads)])


@pytest.mark.usefixtures("small_disk")
def test_a_disk_without_room_is_seen_before_anything_is_staged(site: Site) -> None:
    folder = backed_up(site)

    done = site.manage("restore", str(folder), "--yes")

    assert done.returncode == 1
    assert re.search(r"uploads has 3\d MB free, but \d+ MB may be needed", done.stderr)
    assert not list(site.uploads.glob(".*"))
    assert site.databases() == {site.live}
    assert site.value("SELECT status FROM opsconsole_restore") == "failed"
    assert site.value("SELECT count(*) FROM opsconsole_backup") == 0  # nor a safety backup


def test_a_backup_of_a_later_version_is_refused(site: Site) -> None:
    site.execute("INSERT INTO django_migrations (app, name, applied)"
                 " VALUES ('scoring', '9999_from_the_future', now())")  # fmt: skip
    done = site.manage("restore", str(backed_up(site)), *WITHOUT_SAFETY)
    assert done.returncode == 1
    assert "scoring.9999_from_the_future" in done.stderr
    assert site.databases() == {site.live}


def test_going_without_a_safety_backup_needs_a_reason(site: Site) -> None:
    done = site.manage("restore", str(backed_up(site)), "--no-safety-backup", "--yes")
    assert done.returncode == 3
    assert "needs a reason" in done.stderr


def test_without_a_terminal_it_wants_yes(site: Site) -> None:
    done = site.manage("restore", str(backed_up(site)))
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_a_session_of_another_role_undoes_the_swap(site: Site) -> None:
    folder, tables, files = backed_up(site), site.tables(), site.files()
    with closing(psycopg.connect(ADMIN, dbname=site.live)):
        done = site.manage("restore", str(folder), *WITHOUT_SAFETY)
    assert done.returncode == 1
    assert "other sessions stay connected to the database" in done.stderr
    assert (site.tables(), site.files()) == (tables, files)
    assert site.databases() == {site.live}
    assert site.value("SELECT status FROM opsconsole_restore") == "undone"


def test_two_at_once_are_not_done(site: Site) -> None:
    site.execute("INSERT INTO opsconsole_restore (uid, backup_name, status, parts, why, safety,"
                 " requested_by, language, stage, fraction, requested_at, database, previous,"
                 " report, tries, reason) VALUES (gen_random_uuid(), 'x', 'restoring', '[]', '',"
                 " true, '', 'ja', '', 0, now(), '', '', '{}', 1, '')")  # fmt: skip
    done = site.manage("restore", str(backed_up(site)), *WITHOUT_SAFETY)
    assert done.returncode == 75
    assert "another restore is under way" in done.stderr


def test_a_word_that_means_several_backups_restores_none(site: Site) -> None:
    for name in ("20260101T000000Z-0123abcd", "20260102T000000Z-4567cdef"):
        backed_up(site, name)
    done = site.manage("restore", "2026", *WITHOUT_SAFETY)
    assert done.returncode == 1
    assert "several backups" in done.stderr
