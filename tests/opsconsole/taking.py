"""What the tests of making backups share."""

from pathlib import Path
from typing import Any

from pyrage import x25519

from opsconsole.backups import take
from opsconsole.models import Backup, Caller, Event

NOBODY = Caller("tester", "command")


def quiet(fraction: float, stage: str) -> None:
    """Say nothing."""


def made(**wanted: Any) -> Backup:
    backup = take.request(caller=NOBODY, **wanted)
    take.take(backup, quiet)
    return backup


def folders(backup_dir: Path) -> list[str]:
    return sorted(path.name for path in backup_dir.iterdir())


def public(identity: Path) -> str:
    return str(x25519.Identity.from_str(identity.read_text()).to_public())


def stub(folder: Path, name: str, script: str) -> None:
    """A program that stands before PostgreSQL's own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def assert_failed(backup: Backup, reason: str, backup_dir: Path) -> None:
    """It is nowhere called good, and leaves nothing."""
    assert backup.status == Backup.Status.FAILED
    assert reason in backup.reason
    assert backup not in Backup.objects.good()
    assert folders(backup_dir) == []
    event = Event.objects.filter(deed="backup.failed").get()
    assert event.result == "failed"
    assert reason in event.details["reason"]
