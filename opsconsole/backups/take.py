"""Make a backup: dump, digests and files of one moment; verified, encrypted, copied to its stores.

Everything is made in a folder `<name>.partial`, which gets the backup's name once all is in it. The
row follows: each state is written after its fact. Races and interruptions, and why each is safe:

1. Two backups at once. Whoever makes one holds the installation's lock for it (alone.py); the other
   gets Busy and leaves its row waiting.
2. The database is written meanwhile. Dump, digests and the list of migrations see one exported
   snapshot. Files are packed after it: a row's file was written before the row, under a name of
   its own, so it is there, or was deleted since and is named as left out.
3. The worker is killed. Its row is released by the sweep and claimed anew. What had been dumped,
   by the manifest in the row, and lies there whole, is used; all else is begun again. The lock and
   pg_dump went with the killed process, so nobody else writes into the folder.
4. The worker is slow, and its row is given to another. Its next heartbeat raises WrongState and
   ends pg_dump. It then touches neither row nor folder. The other one waits for the lock.
"""

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import alone, copies, manifest, places
from opsconsole.backups import verify as verification
from opsconsole.backups.filling import fill
from opsconsole.backups.manifest import ManifestError
from opsconsole.backups.progress import Progress
from opsconsole.backups.sealing import seal
from opsconsole.environments.locks import holding
from opsconsole.gateways import age, archives, disks, redis_data
from opsconsole.gateways.postgres import dumps
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.gateways.stores import StoreError
from opsconsole.models import Backup, BackupPlan, Caller, Event
from opsconsole.models.backups import PARTS
from opsconsole.models.events import SYSTEM
from pmscoring.base.files import sync_folder
from pmscoring.base.progress import Say
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused


class NotVerified(Exception):
    """What was dumped does not restore to what it was dumped from."""


EXPECTED = (
    NotVerified,
    PostgresError,
    ManifestError,
    StoreError,
    OSError,
    age.AgeError,
    archives.ArchiveError,
    copies.Missing,
    disks.DiskFull,
    redis_data.RedisError,
)
"""Failures of a backup, whose message is its reason."""


def request(
    *,
    caller: Caller,
    plan: BackupPlan | None = None,
    parts: Iterable[str] | None = None,
    stores: Iterable[str] | None = None,
    recipients: str = "",
    note: str = "",
    verify: bool = True,
    origin: str = Backup.Origin.MADE,
) -> Backup:
    """A backup for a worker to make. What is not said comes from the plan, or is the default.

    Raises Refused for a part that does not exist, and for recipients that are none.
    """
    backup = Backup(plan=plan, origin=origin, note=note[:200], requested_by=caller.name[:150])
    backup.language = translation.get_language() or settings.LANGUAGE_CODE
    if plan:
        backup.parts, backup.stores, backup.verify = plan.parts, plan.stores, plan.verify
        backup.recipients = plan.recipients
    else:
        backup.verify = verify
    backup.parts = list(parts) if parts else backup.parts
    backup.stores = list(stores) if stores else backup.stores
    backup.recipients = recipients or backup.recipients
    _refuse_nonsense(backup)
    backup.uid = uuid4()
    backup.name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{backup.uid.hex[:8]}"
    with transaction.atomic():
        backup.save()
        details = {"parts": backup.parts, "stores": backup.stores, "note": backup.note}
        plan_name = plan.name if plan else ""
        Event.objects.record("backup.requested", backup, caller, plan=plan_name, **details)
    return backup


def _refuse_nonsense(backup: Backup) -> None:
    if unknown := sorted(set(backup.parts) - set(PARTS)):
        raise Refused(_("there is no such part: %s") % ", ".join(unknown))
    try:
        keys = age.recipients(backup.recipients)
    except age.AgeError as error:
        raise Refused(_("recipients: %s") % error) from error
    backup.recipients = "\n".join(keys)


def at_once(say: Say, **wanted: Any) -> Backup:
    """Request a backup and make it in this process; no worker is needed. Raises Busy.

    The row is claimed before anybody else can see it waiting.
    """
    with alone.only_backup():
        with transaction.atomic():
            backup = request(**wanted)
            backup.claim(started_at=now())
        _made(backup, say)
    return backup


def take(backup: Backup, say: Say) -> None:
    """Make a waiting backup, or go on with one that was interrupted.

    An expected failure ends it with its reason, and raises nothing. Raises Busy while another one
    is being made, and WrongState where another worker has this one.
    """
    with alone.only_backup():
        backup.claim(started_at=now())
        _made(backup, say)


def _made(backup: Backup, say: Say) -> None:
    with holding(f"{backup.name}{alone.PARTIAL}"), backup.in_its_language():
        try:
            _make(backup, Progress(backup, say))
        except EXPECTED as error:
            _give_up(backup, redacted(str(error)))
        say(1.0, str(backup.get_status_display()))


def _make(backup: Backup, progress: Progress) -> None:
    """The whole story; each function is over when its fact is on the disk."""
    partial_folder = _partial(backup)
    if not places.folder(backup).is_dir():
        if not _is_whole(backup, partial_folder, progress):
            fill(backup, partial_folder, progress)
        if not backup.verify:
            _read_through(backup, partial_folder, progress)
        backup.step(Backup.Status.DUMPED)
        if backup.verify and not backup.verified_at:
            _verify(backup, partial_folder, progress)
        if backup.verified_at:
            backup.step(Backup.Status.VERIFIED)
        seal(backup, partial_folder, progress)
        _rename(partial_folder, places.folder(backup))
    elif backup.verified_at:
        backup.step(Backup.Status.VERIFIED)
    progress.begin(_("copying to the stores"), 1.0)
    copies.store_all(backup, progress.tell)
    with backup.all_or_none():
        backup.finish()
        Event.objects.record("backup.stored", backup, SYSTEM, **_outcome(backup))


def _outcome(backup: Backup) -> dict[str, Any]:
    return {
        "bytes": backup.bytes,
        "seconds": backup.seconds,
        "verified": backup.verified_at is not None,
        "stores": backup.stores,
    }


def _give_up(backup: Backup, reason: str) -> None:
    """Write the reason into the row, and then remove what is not whole."""
    with backup.all_or_none():
        backup.fail(reason)
        Event.objects.record("backup.failed", backup, SYSTEM, result="failed", reason=backup.reason)
    shutil.rmtree(_partial(backup), ignore_errors=True)


def _partial(backup: Backup) -> Path:
    folder = places.folder(backup)
    return folder.with_name(f"{folder.name}{alone.PARTIAL}")


def _is_whole(backup: Backup, folder: Path, progress: Progress) -> bool:
    """Whether an earlier try has dumped everything, and it lies there as it was written."""
    if not backup.manifest or not folder.is_dir():
        return False
    progress.begin(_("checking what an earlier attempt left"), 0.3)
    parts = manifest.checked(backup.manifest)["parts"]
    return not any(
        fault for part in parts for fault in manifest.faults(folder, part, progress.alive)
    )


def _read_through(backup: Backup, folder: Path, progress: Progress) -> None:
    """What is not restored on trial is at least decompressed: a dump cut off is no dump."""
    if "database" in backup.parts:
        progress.begin(_("reading the dump through"), 0.85)
        dumps.read_through(folder / manifest.PLACES["database"], alive=progress.alive)


def _verify(backup: Backup, folder: Path, progress: Progress) -> None:
    """Restore what was dumped, before it is encrypted: the identity is never on this machine."""
    progress.begin(_("verifying"), 0.85)
    began = monotonic()
    server = Server.from_settings()
    report = verification.verify_folder(folder, server=server, say=progress.tell, row=backup)
    backup.beat()
    seconds = monotonic() - began
    verification.record(backup, report, caller=SYSTEM, seconds=seconds)
    if not report.ok:
        raise NotVerified(_("the verification failed: %s") % report.reason)


def _rename(partial_folder: Path, folder: Path) -> None:
    for place in (partial_folder / manifest.PLACES["database"], partial_folder):
        if place.is_dir():
            sync_folder(place)
    partial_folder.rename(folder)
    sync_folder(folder.parent)
