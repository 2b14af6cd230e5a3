"""Verify a backup: its hashes, and a restore into a scratch database that is then compared.

A backup that cannot be read here, for it is encrypted and no identity is at hand, is verified by
its hashes alone, and the outcome says so.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import alone, copies, manifest, parts, places
from opsconsole.backups.manifest import Manifest, ManifestError
from opsconsole.backups.report import Check, Report
from opsconsole.backups.scratch import restored_and_compared
from opsconsole.gateways import age, archives, disks, redis_data
from opsconsole.gateways.postgres.server import Locked, PostgresError, Server
from opsconsole.gateways.stores import StoreError
from opsconsole.models import LOCAL, Backup, BackupCopy, Caller, Event, Verification
from pmscoring.base.progress import Say


def verify(
    backup: Backup,
    *,
    store: str = LOCAL,
    identity: Path | None = None,
    caller: Caller,
    say: Say = lambda fraction, stage: None,
) -> Verification:
    """Verify the backup as it lies in the store, and write down what was seen.

    Raises StoreError, PostgresError, AgeError and OSError where it could not be looked at.
    """
    began = monotonic()
    with ExitStack() as stack:
        if store == LOCAL:
            folder = places.folder(backup)
        else:
            folder = stack.enter_context(alone.partial_folder(f"{backup.name}.{store}"))
            say(0.0, _("reading from %s") % store)
            copies.fetch(backup, store, folder, partial(_fetched, say, store))
        report = verify_folder(
            folder, identity=identity, server=Server.from_settings(), say=say, row=backup
        )
    return record(backup, report, store=store, caller=caller, seconds=monotonic() - began)


def _fetched(say: Say, store: str, moved: int) -> None:
    say(0.1, _("reading from %s") % store)


def record(
    backup: Backup, report: Report, *, store: str = LOCAL, caller: Caller, seconds: float
) -> Verification:
    """Write the outcome down, with its event; the backup is verified, or no longer so."""
    verification = Verification.objects.create(
        backup=backup,
        store=store,
        started_at=now() - timedelta(seconds=seconds),
        seconds=seconds,
        restore_seconds=report.restore_seconds,
        ok=report.ok,
        complete=report.read,
        checks=[asdict(check) for check in report.checks],
    )
    if report.ok and report.read:
        backup.verified_at, backup.verify_seconds = now(), report.restore_seconds
        backup.save(update_fields=["verified_at", "verify_seconds"])
    elif report.damaged:
        _distrust(backup, store, report.reason)
    Event.objects.record(
        "backup.verified" if report.ok else "backup.verification_failed",
        backup,
        caller,
        result="ok" if report.ok else "failed",
        store=store,
        complete=report.read,
        reason=report.reason[:500],
    )
    return verification


def _distrust(backup: Backup, store: str, reason: str) -> None:
    """What was verified once is no longer what lies there."""
    BackupCopy.objects.filter(backup=backup, store=store).update(
        status=BackupCopy.Status.FAILED, reason=reason[:500], checked_at=now()
    )
    if store == LOCAL:
        backup.verified_at = None
        backup.save(update_fields=["verified_at"])


def verify_folder(
    folder: Path,
    *,
    identity: Path | None = None,
    server: Server,
    say: Say = lambda fraction, stage: None,
    row: Backup | None = None,
) -> Report:
    """Verify the backup in this folder, which may come from anybody.

    `server` is where the scratch database is made. `row` is what is known of the backup, where
    something is. Raises PostgresError where no scratch database could be made, and AgeError where
    the identity is no identity; what is wrong with the backup is in the report.
    """
    report = Report()
    document = _manifest(folder, row, report)
    report.id = document["id"] if document else ""
    if document is None or not _files(folder, document, report, say):
        return report
    if document["encryption"] is None:
        _read(folder, document, server, report, say)
    elif identity is None:
        says = _("encrypted, and no identity was given: only the hashes were compared")
        report.checks.append(Check("restore", True, says))
    else:
        with _decrypted(folder, document, identity, report, say) as plain:
            if plain:
                _read(plain, document, server, report, say)
    return report


def _manifest(folder: Path, row: Backup | None, report: Report) -> Manifest | None:
    try:
        document = manifest.read(folder)
    except ManifestError as error:
        report.add("manifest", [str(error)], "")
        return None
    faults = []
    if row and row.manifest and row.manifest != document:
        faults.append(_("it differs from the one written when the backup was made"))
    return document if report.add("manifest", faults, _("readable, format 1")) else None


def _files(folder: Path, document: Manifest, report: Report, say: Say) -> bool:
    faults = [_("%s is not in the manifest") % path for path in manifest.unlisted(folder, document)]
    for part in document["parts"]:
        stage = _("comparing hashes of %s") % part["name"]
        faults += manifest.faults(folder, part, partial(say, 0.2, stage))
    good = _("%d bytes match the hashes in the manifest") % manifest.size(document)
    return report.add("files", faults, good)


@contextmanager
def _decrypted(
    folder: Path, document: Manifest, identity: Path, report: Report, say: Say
) -> Iterator[Path | None]:
    keys = age.identities(identity)
    with alone.partial_folder(f"{document['name']}.plain") as plain:
        disks.require(plain.parent, manifest.size(document))
        try:
            plain.mkdir(mode=0o700)
            for part in document["parts"]:
                stage = _("decrypting %s") % part["name"]
                parts.decrypt(folder, part, plain, keys, partial(say, 0.3, stage))
        except age.AgeError as error:
            report.add("decryption", [str(error)], "")
            yield None
            return
        report.add("decryption", [], _("decrypted with the identity"))
        yield plain


def _read(folder: Path, document: Manifest, server: Server, report: Report, say: Say) -> None:
    """Read every part, the database by restoring it."""
    report.read = True
    for part in document["parts"]:
        path = folder / manifest.PLACES[part["name"]]
        if part["name"] == "database":
            restored_and_compared(path, document, server, report, say)
        elif part["name"] == "redis":
            _redis(path, report)
        else:
            _archive(path, part, report, say)


def _archive(path: Path, part: manifest.Part, report: Report, say: Say) -> None:
    faults, count = [], 0
    stage = _("reading %s") % part["name"]
    try:
        count = sum(1 for _entry in archives.names(path, lambda: say(0.95, stage)))
    except (archives.ArchiveError, OSError) as error:
        faults.append(str(error))
    if not faults and count != part.get("entries", count):
        words = {"count": count, "wanted": part.get("entries")}
        faults.append(_("%(count)d files instead of %(wanted)d") % words)
    report.add(part["name"], faults, _("%d files can be read") % count)


def _redis(path: Path, report: Report) -> None:
    try:
        redis_data.check(path)
    except (redis_data.RedisError, OSError) as error:
        report.add("redis", [str(error)], "")
    else:
        report.add("redis", [], _("complete"))


FAILURES = (StoreError, PostgresError, age.AgeError, disks.DiskFull, OSError, Locked)
"""What `verify` raises where a backup could not be looked at."""
