"""Backups that were uploaded: kept beside the uploaded files until the worker takes them in.

The web server receives an archive, since people reach no other process; in containers it cannot
write the backup folder. It reads the manifest alone, by which the backup gets its row. The worker
unpacks the archive, compares every file with the manifest and puts the folder in its place. That
proves that nothing is damaged, not where it comes from: it is untrusted until it is verified.

1. Two upload one backup at once. The unique name lets one of them in; the other waits for its
   commit and is refused. The archive is renamed in the same transaction, so a worker that sees the
   row finds it.
2. The worker is killed. Its row is released by the sweep; the next one begins again, from the
   archive, which is removed last.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from opsconsole.backups import alone, manifest, places
from opsconsole.backups.manifest import Manifest, ManifestError
from opsconsole.backups.progress import Progress
from opsconsole.gateways import archives, disks
from opsconsole.gateways.postgres.server import Locked
from opsconsole.models import LOCAL, Backup, Caller, Event
from pmscoring.base.files import sync_folder
from pmscoring.base.progress import Say
from pmscoring.base.refusals import Busy, Refused

ARRIVED = ".arrived"
"""The folder in MEDIA_ROOT; what begins with a dot there is in no backup."""
FAILURES = (archives.ArchiveError, disks.DiskFull, ManifestError, OSError)
"""What may be wrong with an upload without anything being wrong with this program."""


def folder() -> Path:
    """Where archives wait for the worker; made where it is not there yet."""
    place = Path(settings.MEDIA_ROOT) / ARRIVED
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def waiting(backup: Backup) -> Path:
    """Where the archive of this backup waits for the worker."""
    return folder() / f"{backup.name}.tar"


def receive(archive: Path, *, caller: Caller) -> Backup:
    """Enter the backup of an archive in `folder()`, and rename the archive for the worker.

    Raises Refused where it is no archive of a backup, or where the backup is here already.
    """
    row = _row(_manifest(archive))
    row |= {"requested_by": caller.name[:150], "language": get_language() or settings.LANGUAGE_CODE}
    try:
        with transaction.atomic():
            backup = _enter(row)
            archive.rename(waiting(backup))
            Event.objects.record("backup.uploaded", backup, caller, bytes=backup.bytes)
    except IntegrityError:
        raise Refused(_("%s is already here") % row["name"]) from None
    except DataError:  # JSON has characters that no row takes
        raise Refused(_("its manifest is not valid")) from None
    return backup


def take_in(backup: Backup, say: Say) -> None:
    """Put a received backup into the backup folder; what is wrong with it fails it with a reason.

    Raises WrongState where another worker has it, and Busy where that one is still at work.
    """
    backup.claim(started_at=now())
    with backup.in_its_language():
        try:
            _bring_in(backup, Progress(backup, say))
        except Locked as error:
            backup.put_back(str(error), begun=False)
            raise Busy(str(error)) from error
        except FAILURES as error:
            backup.fail(str(error))
        else:
            backup.finish(fraction=1.0)
    waiting(backup).unlink(missing_ok=True)


def _bring_in(backup: Backup, progress: Progress) -> None:
    archive, target = waiting(backup), places.folder(backup)
    if not target.is_dir():
        with alone.partial_folder(backup.name) as partial:
            disks.require(target.parent, archive.stat().st_size)
            progress.begin(_("unpacking"), 0.5)
            archives.unpack(archive, partial, progress.alive)
            progress.begin(_("comparing with the manifest"), 1.0)
            _compare(partial / backup.name, backup.manifest, progress)
            # Raises WrongState where the sweep has given the backup to another worker.
            backup.beat()
            (partial / backup.name).rename(target)
        sync_folder(target.parent)


def _compare(unpacked: Path, known: dict[str, Any], progress: Progress) -> None:
    """Every file that the manifest names, and no other; raises ManifestError."""
    described = manifest.read(unpacked)
    if described != known:
        raise ManifestError(_("the archive has two manifests"))
    if extra := manifest.unlisted(unpacked, described):
        raise ManifestError(_("the manifest does not name %s") % extra[0])
    for part in described["parts"]:
        for fault in manifest.faults(unpacked, part, progress.alive):
            raise ManifestError(fault)


def _manifest(archive: Path) -> Manifest:
    """The manifest, from anywhere in the archive; nothing is unpacked."""
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                top, _slash, name = member.name.partition("/")
                if name == places.MANIFEST and member.size <= manifest.MOST_BYTES:
                    content = tar.extractfile(member)
                    described = manifest.checked(json.loads(content.read() if content else b""))
                    if described["name"] == top:
                        return described
    except ManifestError as error:
        raise Refused(str(error)) from error
    except (tarfile.TarError, EOFError, ValueError, RecursionError, OSError) as error:
        raise Refused(_("this is not an archive of a backup")) from error
    raise Refused(_("this archive holds no backup"))


def _row(described: Manifest) -> dict[str, Any]:
    """The fields that the manifest says; raises Refused where they are nonsense."""
    try:
        columns = manifest.columns(described)
    except ValueError:
        raise Refused(_("its manifest is not valid")) from None
    if columns["name"][-8:] != columns["uid"].hex[:8]:
        raise Refused(_("its manifest is not valid"))
    return {**columns, "stores": [LOCAL], "origin": Backup.Origin.UPLOADED, "verify": False}


def _enter(row: dict[str, Any]) -> Backup:
    """A new row, or the row of a backup whose files are gone, which waits again."""
    same = Q(name=row["name"]) | Q(uid=row["uid"])
    known = Backup.objects.select_for_update().filter(same).first()
    if known is None:
        return Backup.objects.create(**row)
    if not _is_gone(known) or (known.name, known.uid) != (row["name"], row["uid"]):
        raise Refused(_("%s is already here") % known)
    fresh: dict[str, Any] = {
        "verified_at": None,
        "verify_seconds": None,
        "removing_at": None,
        "removed_at": None,
    }
    fresh |= {"status": Backup.WAITING, "requested_at": now(), "finished_at": None, "seconds": None}
    fresh |= {"plan": None, "tries": 0, "reason": "", "stage": "", "fraction": 0.0}
    Backup.objects.filter(pk=known.pk).update(**row | fresh)
    return Backup.objects.get(pk=known.pk)


def _is_gone(backup: Backup) -> bool:
    ended = backup.status in (Backup.Status.STORED, Backup.Status.FAILED)
    return ended and not (places.folder(backup) / places.MANIFEST).is_file()
