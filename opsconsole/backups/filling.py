"""Fill the folder of a backup: dump, digests, files and their hashes; the manifest comes last."""

import shutil
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import configuration, manifest, media
from opsconsole.backups.manifest import Manifest
from opsconsole.backups.progress import BEAT_SECONDS, Progress
from opsconsole.gateways import archives, disks, redis_data
from opsconsole.gateways.postgres import contents, dumps
from opsconsole.gateways.postgres.contents import Snapshot
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Backup, Installation
from opsconsole.models.backups import PARTS
from pmscoring.base import connecting


def fill(backup: Backup, folder: Path, progress: Progress) -> None:
    """Make the folder anew with all parts and the manifest, which the row then has too."""
    server = Server.from_settings()
    progress.begin(_("checking the server and the disk"), 0.01)
    backup.beat(manifest={}, snapshot_at=None, verified_at=None, verify_seconds=None)
    dumps.refuse_older_client(server)
    shutil.rmtree(folder, ignore_errors=True)
    _refuse_full_disk(backup, server, folder.parent)
    folder.mkdir(mode=0o700, parents=True)
    with contents.exported(server) as snapshot:
        document = _document(backup, server, snapshot)
        if "database" in backup.parts:
            _dump_database(server, folder, snapshot, document, progress)
    entries = _pack_files(backup, folder, document, progress)
    _describe(backup, folder, document, entries, progress)
    manifest.write(folder, document)
    backup.beat(manifest=document, snapshot_at=snapshot.at, bytes=manifest.size(document))


def _refuse_full_disk(backup: Backup, server: Server, folder: Path) -> None:
    """A dump is at most as large as the database, and the scratch database just as large."""
    database = server.size() if "database" in backup.parts else 0
    uploads = disks.used(Path(settings.MEDIA_ROOT)) if "uploads" in backup.parts else 0
    copies_there = 2 if backup.recipients else 1  # plain and encrypted are there side by side
    scratch = database if backup.verify else 0
    disks.require(folder, copies_there * (database + uploads) + scratch)


def _document(backup: Backup, server: Server, snapshot: Snapshot) -> Manifest:
    return {
        "format": manifest.FORMAT,
        "installation": str(Installation.objects.here().uid),
        "id": str(backup.uid),
        "name": backup.name,
        "started_at": _moment(backup.started_at or now()),
        "snapshot_at": _moment(snapshot.at),
        "product": {
            "version": settings.VERSION,
            "migrations": contents.migrations(snapshot.connection),
        },
        "server": {
            **contents.description(snapshot.connection),
            "client": server.client_version(),
        },
        "tables": {},
        "parts": [],
        "encryption": None,
        "left_out": [
            {"what": name, "why": _("not asked for")} for name in PARTS if name not in backup.parts
        ],
        "warnings": [],
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _dump_database(
    server: Server, folder: Path, snapshot: Snapshot, document: Manifest, progress: Progress
) -> None:
    place = folder / manifest.PLACES["database"]
    progress.begin(_("dumping the database"), 0.4)
    with contents.digested_beside(snapshot) as digests:
        dumps.dump(
            server,
            place,
            snapshot=snapshot.id,
            jobs=settings.BACKUP_JOBS,
            alive=partial(_dumped_so_far, place, progress, digests),
            warn=document["warnings"].append,
        )
        progress.begin(_("counting rows"), 0.5)
        while not wait([digests], timeout=BEAT_SECONDS).done:
            progress.alive()
        document["tables"] = digests.result()


def _dumped_so_far(
    place: Path, progress: Progress, digests: "Future[dict[str, contents.Contents]]"
) -> None:
    if digests.done():
        digests.result()  # raises, and so ends pg_dump at once, where the digests have failed
    progress.tell(0.5, _("%d MB") % (disks.used(place) // disks.MEGABYTE))


def _pack_files(
    backup: Backup, folder: Path, document: Manifest, progress: Progress
) -> dict[str, int]:
    """Make the parts beside the database; returns the number of files in each archive.

    The manifest gets what was left out.
    """
    entries: dict[str, int] = {}
    if "uploads" in backup.parts:
        progress.begin(_("packing uploaded files"), 0.6)
        uploads = folder / manifest.PLACES["uploads"]
        packed = archives.pack(
            Path(settings.MEDIA_ROOT), uploads, progress.alive, skip=media.is_ours
        )
        _leave_out(document, "uploads", packed)
        entries["uploads"] = packed.files
    if "configuration" in backup.parts:
        place, secrets = folder / manifest.PLACES["configuration"], bool(backup.recipients)
        packed = configuration.pack(place, folder / "gathered", secrets=secrets)
        _leave_out(document, "configuration", packed)
        entries["configuration"] = packed.files
    if "redis" in backup.parts:
        progress.begin(_("copying the broker's data"), 0.62)
        redis_data.save(
            connecting.with_password(settings.BROKER_URL, "BROKER_PASSWORD"),
            folder / manifest.PLACES["redis"],
            progress.alive,
        )
    return entries


def _leave_out(document: Manifest, part: str, packed: archives.Packed) -> None:
    document["left_out"] += [
        {"what": f"{part}: {name}", "why": why} for name, why in packed.left_out
    ]
    if more := packed.left_out_count - len(packed.left_out):
        document["left_out"].append({"what": part, "why": _("and %d more") % more})


def _describe(
    backup: Backup, folder: Path, document: Manifest, entries: dict[str, int], progress: Progress
) -> None:
    progress.begin(_("computing hashes"), 0.65)
    for name in PARTS:
        if name not in backup.parts:
            continue
        part = manifest.described(folder, name, progress.alive)
        if name == "database":
            part["rows"] = sum(table["rows"] for table in document["tables"].values())
        elif name in entries:
            part["entries"] = entries[name]
        document["parts"].append(part)
