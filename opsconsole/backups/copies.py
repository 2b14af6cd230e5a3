"""Copies of a backup in stores: every part in every store is a required outcome.

A copy counts only after each object was read back and had the hash that the manifest names. The
manifest is stored last and removed first: what has none is no backup, whoever was killed when.

Two workers never copy one backup at once: the progress that is told is an UPDATE of a row that only
the worker with the claim can change (progress.py), and the one that lost it ends its transfer. What
it has stored by then is the same as what the other stores.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from django.utils.timezone import now
from django.utils.translation import gettext as _
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from opsconsole.backups import manifest, places
from opsconsole.gateways import stores
from opsconsole.gateways.stores import Alive, Digest, Lost, Store, StoreError, StoreUnavailable
from opsconsole.models import LOCAL, Backup, BackupCopy
from pmscoring.base.progress import Say

ATTEMPTS, LONGEST_WAIT = 4, 20.0
"""Tries of one file, and the longest pause between two, in seconds."""
P = ParamSpec("P")
T = TypeVar("T")


class Missing(Exception):
    """The backup is not complete in a store that was asked for; the message names each of them."""


class Damaged(StoreError):
    """What was read is not what the manifest names."""


def files_of(document: Mapping[str, Any]) -> dict[str, Digest]:
    """The size and hash of each file of the backup, by its path in the folder.

    Raises Damaged where the manifest is not understood or names a path outside of the folder.
    """
    try:
        return {
            str(places.relative(file["path"])): Digest(int(file["bytes"]), str(file["sha256"]))
            for part in document["parts"]
            for file in part["files"]
        }
    except (KeyError, TypeError, ValueError, places.Unsafe) as error:
        raise Damaged(_("the manifest is not valid: %s") % type(error).__name__) from error


def store_all(backup: Backup, say: Say) -> None:
    """Copy the backup, which this worker has claimed, to each store that was asked for.

    A copy that an earlier try has completed stays as it is. The outcome of each store is in its
    BackupCopy; raises Missing where one has failed, after the others were tried. `say` gets the
    fraction of the bytes that were moved, and the store's name; what it raises ends the transfer.
    """
    names = [LOCAL, *(name for name in backup.stores if name != LOCAL)]
    expected = files_of(backup.manifest)
    progress = _Progress(say, len(names) * sum(file.bytes for file in expected.values()))
    reasons = []
    for name in names:
        progress.store = name
        copy, _is_new = BackupCopy.objects.get_or_create(backup=backup, store=name)
        if copy.status == BackupCopy.Status.STORED:
            continue
        try:
            _copy(backup, name, expected, progress.moved)
        except (StoreError, OSError) as error:
            # The messages of the system name our own files at most.
            reasons.append(str(error))
            _write(copy, BackupCopy.Status.FAILED, str(error))
        else:
            _write(copy, BackupCopy.Status.STORED)
    if reasons:
        raise Missing("; ".join(reasons))


def fetch(backup: Backup, name: str, folder: Path, alive: Alive = lambda moved: None) -> None:
    """Read the copy in the store `name` into `folder`, which must not exist yet, hashes compared.

    Raises StoreError. The copy's row says what was seen of it.
    """
    copy, _is_new = BackupCopy.objects.get_or_create(backup=backup, store=name)
    try:
        folder.mkdir(mode=0o700)
        _fetch(backup, stores.named(name), folder, alive)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, Lost | Damaged):
            _write(copy, BackupCopy.Status.FAILED, str(error))
        raise
    _write(copy, BackupCopy.Status.STORED)


class _Progress:
    """The bytes that were moved, there and back."""

    def __init__(self, say: Say, size: int) -> None:
        self.say, self.size = say, 2 * size
        self.bytes, self.store = 0, ""

    def moved(self, count: int) -> None:
        """Say so; raises WrongState where another worker has the backup."""
        self.bytes += count
        self.say(min(self.bytes / max(self.size, 1), 1.0), self.store)


def _copy(backup: Backup, name: str, expected: Mapping[str, Digest], alive: Alive) -> None:
    folder = places.folder(backup)
    if name == LOCAL:
        for path, digest in expected.items():
            _compare(path, digest, _hashed(folder, path, alive))
        return
    store, prefix = stores.named(name), places.prefix(backup)
    files = {**expected, places.MANIFEST: _hashed(folder, places.MANIFEST, alive)}
    for path, digest in files.items():
        _retried(_store, store, prefix, folder, path, digest, alive)


def _store(
    store: Store, prefix: str, folder: Path, path: str, expected: Digest, alive: Alive
) -> None:
    key = f"{prefix}/{path}"
    _compare(path, expected, store.put(key, folder / path, alive))
    if store.digest(key, alive) != expected:
        words = {"store": store.name, "file": path}
        raise StoreUnavailable(_("store %(store)s: %(file)s came back changed") % words)


def _fetch(backup: Backup, store: Store, folder: Path, alive: Alive) -> None:
    prefix = places.prefix(backup)
    content = _retried(store.read, f"{prefix}/{places.MANIFEST}")
    expected = files_of(_manifest(backup, store.name, content))
    if shutil.disk_usage(folder).free < sum(file.bytes for file in expected.values()):
        raise StoreError(_("store %s: there is no room to read the copy") % store.name)
    for path, digest in expected.items():
        (folder / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _compare(path, digest, _retried(_get, store, f"{prefix}/{path}", folder / path, alive))
    (folder / places.MANIFEST).write_bytes(content)


def _manifest(backup: Backup, store: str, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        raise Damaged(_("store %s: the manifest is damaged") % store) from None
    if document != backup.manifest:
        raise Damaged(_("store %s: the manifest is not the backup's") % store)
    return dict(document)


def _get(store: Store, key: str, path: Path, alive: Alive) -> Digest:
    path.unlink(missing_ok=True)  # of the try before
    return store.get(key, path, alive)


def _retried(deed: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it, and again where that may help, with growing pauses."""
    tries = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5, max=LONGEST_WAIT),
        retry=retry_if_exception_type(StoreUnavailable),
        reraise=True,
    )
    return tries(deed, *args, **kwargs)


def _compare(path: str, expected: Digest, seen: Digest) -> None:
    if seen != expected:
        raise Damaged(_("%s does not match the manifest") % path)


def _hashed(folder: Path, path: str, alive: Alive) -> Digest:
    """The digest of a file of the backup, which is no link and lies behind none."""
    if (folder / path).parent.is_symlink():
        raise Damaged(_("%s is behind a link") % path)
    try:
        seen = manifest.file_at(folder, path, lambda: alive(manifest.CHUNK))
    except manifest.ManifestError as error:
        raise Damaged(str(error)) from error
    return Digest(seen["bytes"], seen["sha256"])


def _write(copy: BackupCopy, status: str, reason: str = "") -> None:
    copy.status, copy.reason, copy.checked_at = status, reason[:500], now()
    copy.save(update_fields=["status", "reason", "checked_at"])
