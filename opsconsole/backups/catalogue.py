"""The catalogue gained from what is there: the manifests in a store, or in the backup folder.

What is entered was not verified here: it counts neither for retention nor as a fresh backup until
it is. What it says of itself is checked against where it lies. What is in the catalogue already is
not changed by it, but for what retention has removed and a store has kept: that is there again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from opsconsole.backups import manifest, places
from opsconsole.backups.manifest import Manifest, ManifestError
from opsconsole.gateways import stores
from opsconsole.gateways.stores import Lost, Store, StoreError
from opsconsole.models import LOCAL, Backup, BackupCopy, Caller, Event
from pmscoring.base.progress import Say


@dataclass
class Rebuilt:
    """What was entered, and what was not: where it lies, and why."""

    entered: list[Backup] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)


def rebuild(name: str, *, caller: Caller, say: Say) -> Rebuilt:
    """Enter each backup of the store (LOCAL: of BACKUP_DIR) that the catalogue does not have.

    Raises StoreError where the store cannot be listed.
    """
    rebuilt = Rebuilt()
    for place, load in _local() if name == LOCAL else _stored(stores.named(name)):
        say(0.0, place)
        try:
            document = load()
            _refuse_elsewhere(document, place)
            backup = _enter(document, name, caller)
        except Lost:
            continue  # begun and never finished, or removed in part
        except (ManifestError, StoreError, OSError) as error:
            rebuilt.passed_over.append((place, str(error)))
            continue
        if backup:
            rebuilt.entered.append(backup)
    say(1.0, name)
    return rebuilt


def _local() -> Iterator[tuple[str, Callable[[], Manifest]]]:
    for folder in sorted(Path(settings.BACKUP_DIR).glob(f"*/{places.MANIFEST}")):
        if places.NAME.fullmatch(folder.parent.name):
            yield folder.parent.name, partial(manifest.read, folder.parent)


def _stored(store: Store) -> Iterator[tuple[str, Callable[[], Manifest]]]:
    for installation in store.folders():
        for name in store.folders(installation):
            place = f"{installation}/{name}"
            yield place, partial(_read, store, place)


def _read(store: Store, place: str) -> Manifest:
    try:
        return manifest.checked(json.loads(store.read(f"{place}/{places.MANIFEST}")))
    except (ValueError, RecursionError):
        raise ManifestError(_("its manifest is damaged")) from None


def _refuse_elsewhere(document: Manifest, place: str) -> None:
    """A manifest in the folder of another backup, or of another installation, is a lie."""
    name = document["name"]
    if place not in (name, f"{document['installation']}/{name}"):
        raise ManifestError(_("its manifest belongs to another backup"))
    if not places.NAME.fullmatch(name) or name[-8:] != document["id"][:8]:
        raise ManifestError(_("its name does not match its id"))


def _enter(document: Manifest, store: str, caller: Caller) -> Backup | None:
    """A row for the backup; None where the catalogue has its id or its name already."""
    try:
        taken = Q(uid=document["id"]) | Q(name=document["name"])
        with transaction.atomic():
            backup = Backup.objects.select_for_update().filter(taken).first()
            if backup is None:
                backup = Backup.objects.create(**_row(document), stores=[store])
            elif not _is_kept_copy(backup, document):
                _note_copy(backup, document, store)
                return None
            else:
                _revive(backup, store)
            # Waiting: it counts as stored once it was read, and its hashes were compared.
            waiting = {"status": BackupCopy.Status.WAITING, "reason": ""}
            BackupCopy.objects.update_or_create(waiting, backup=backup, store=store)
            Event.objects.record("backup.found", backup, caller, store=store)
    except (ValueError, ValidationError, DataError):
        # The schema leaves the form of times and ids open, and JSON has characters no row takes.
        raise ManifestError(_("its manifest is not valid")) from None
    return backup


def _row(document: Manifest) -> dict[str, Any]:
    columns = manifest.columns(document)
    return {
        **columns,
        "origin": Backup.Origin.FOUND,
        "status": Backup.Status.STORED,
        "started_at": manifest.moment(document["started_at"]),
        "finished_at": columns["snapshot_at"],
    }


def _is_kept_copy(backup: Backup, document: Manifest) -> bool:
    """Whether retention has removed it here, and the store has kept it whole."""
    return backup.removed_at is not None and backup.manifest == document


def _revive(backup: Backup, store: str) -> None:
    """It is there again, as one that was found: of no plan, whose retention would remove it."""
    backup.origin, backup.plan, backup.stores = Backup.Origin.FOUND, None, [store]
    backup.verified_at = backup.removing_at = backup.removed_at = None
    backup.status = Backup.Status.STORED
    backup.save()


def _note_copy(known: Backup, document: Manifest, store: str) -> None:
    if known.manifest == document and not known.removing_at:
        BackupCopy.objects.get_or_create(backup=known, store=store)
