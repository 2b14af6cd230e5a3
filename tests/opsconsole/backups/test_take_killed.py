"""Backups whose worker was killed, or that were given to another."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from opsconsole.backups import alone, take
from opsconsole.backups.verify import verify_folder
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Backup, Installation
from pmscoring.base.lifecycle import WrongState
from tests.opsconsole.taking import NOBODY, folders, public, quiet
from tests.paths import ROOT
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("uploads", "no_wait"),
]


@pytest.mark.usefixtures("rows", "nothing_left")
def test_a_worker_whose_backup_was_given_to_another_ends_its_dump_and_touches_nothing(
    backup_dir: Path, programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    programs(
        "pg_dump",
        f'case $1 in --version|--compress*) ;; *) echo $$ > {pid};; esac; exec $REAL/pg_dump "$@"',
    )
    backup = take.request(caller=NOBODY)

    def during(fraction: float, stage: str) -> None:
        if stage.startswith("counting"):
            Backup.objects.get(pk=backup.pk).release()

    with pytest.raises(WrongState):
        take.take(backup, during)
    backup.refresh_from_db()
    assert backup.status == "waiting"
    assert folders(backup_dir) == [f"{backup.name}.partial"]
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert alone.sweep() == []
    take.take(backup, quiet)
    assert backup.status == "stored"


def test_what_interrupted_work_left_is_swept_and_what_is_under_way_is_not(backup_dir: Path) -> None:
    server, key = Server.from_settings(), Installation.objects.here().uid.hex[:8]
    left = f"{alone.SCRATCH}{key}_left"
    server.create(left)
    (backup_dir / "20260101T000000Z-00000000.partial").mkdir()
    with (
        alone.partial_folder("20260102T000000Z-00000000") as folder,
        alone.scratch_database(server, "running") as scratch,
    ):
        folder.mkdir()
        assert alone.sweep() == ["20260101T000000Z-00000000.partial", left]
        assert folder.is_dir()
        assert server.exists(scratch.database)
    assert folders(backup_dir) == []
    assert server.databases(alone.scratch_prefix()) == []


STAGES = (
    "checking", "dumping", "counting", "packing", "computing", "restoring", "comparing auth_user",
    "encrypting", "copying",
)  # fmt: skip


@pytest.mark.usefixtures("rows", "nothing_left")
@pytest.mark.parametrize("stage", STAGES)
def test_a_backup_goes_on_after_its_worker_was_killed(
    stage: str, backup_dir: Path, identity: Path, settings: Settings, tmp_path: Path
) -> None:
    backup = take.request(caller=NOBODY, recipients=public(identity))
    environment = {
        **os.environ,
        "DATABASE_URL": Server.from_settings().url,
        "BACKUP_DIR": str(backup_dir),
        "UPLOADS_DIR": str(settings.MEDIA_ROOT),
    }
    argv = [sys.executable, "-m", "tests.opsconsole.killed_backup", backup.name, stage]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    backup.refresh_from_db()
    assert backup.status in Backup.working_states()
    assert backup not in Backup.objects.good()
    dumped_at, dumped = backup.snapshot_at, bool(backup.manifest)
    backup.release()
    swept = "restoring" in stage or "comparing" in stage
    wait_until(lambda: len(alone.sweep()) == swept, 20, "the scratch database is removed")
    assert len(folders(backup_dir)) == (stage != "checking")  # what is to be gone on with stays
    take.take(backup, quiet)
    assert backup.status == "stored", backup.reason
    assert backup.verified_at
    if dumped:
        assert backup.snapshot_at == dumped_at
    assert folders(backup_dir) == [backup.name]
    folder = backup_dir / backup.name
    report = verify_folder(folder, server=Server.from_settings(), identity=identity)
    assert report.ok, report.reason
