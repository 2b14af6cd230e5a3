"""Remove what no plan asks to keep: the folder of a backup, and its copies in stores.

Races, and why each is safe:

1. A person holds a backup, or asks to restore it, while it is being chosen. `_begin` claims it by
   one UPDATE that finds it neither held nor wanted by a restore. From then on it counts as no
   backup, and `hold` changes it no more.
2. The process is killed between a folder and a copy. `removing_at` is there and `removed_at` is
   not, so that the next run goes on, whatever retention would decide by then.
3. Two runs remove one backup. What the other one has removed is not there, which is no error; of
   two UPDATEs that write `removed_at` one matches, and its run records the event.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.backups import places
from opsconsole.backups.retention import Decision, Entry, Keep, decide
from opsconsole.environments.windows import refuse_in_window
from opsconsole.gateways import stores
from opsconsole.gateways.stores import DeletionRefused, StoreError
from opsconsole.models import LOCAL, Backup, BackupCopy, BackupPlan, Caller, Event, Restore
from pmscoring.base.progress import Say
from pmscoring.base.refusals import Refused

FINISHED = (Backup.Status.STORED, Backup.Status.FAILED)


@dataclass
class Outcome:
    """What a run has removed, or would remove; and what stays, each with its reason."""

    removed: list[Backup] = field(default_factory=list)
    kept: list[tuple[Backup, str]] = field(default_factory=list)


def prune(
    *, caller: Caller, say: Say, dry_run: bool = False, at: datetime | None = None, why: str = ""
) -> Outcome:
    """Remove what retention lets go, and go on with what an earlier run has begun.

    Raises Refused while an exam window holds and no reason is given.
    """
    if not dry_run:
        refuse_in_window(why, at)
    decided = decisions(at)
    leaving = [
        *Backup.objects.filter(removed_at=None).exclude(removing_at=None),
        *(backup for backup, decision in decided if not decision.stays),
    ]
    kept = [(backup, decision.because) for backup, decision in decided if decision.stays]
    if dry_run:
        return Outcome(leaving, kept)
    outcome = Outcome(kept=kept)
    for number, backup in enumerate(leaving, start=1):
        if backup.removing_at or _begin(backup):
            _finish(backup, caller, outcome, why)
        else:
            outcome.kept.append((backup, _("held, or needed by a restore, in the meantime")))
        say(number / len(leaving), backup.name)
    return outcome


def decisions(at: datetime | None = None) -> list[tuple[Backup, Decision]]:
    """What retention decides of each backup whose files are there, the newest first."""
    backups = list(Backup.objects.kept().select_related("plan"))
    entries = [_entry(backup) for backup in backups]
    return list(zip(backups, decide(entries, _keeps(), at or now()), strict=True))


def remove(backup: Backup, *, caller: Caller, why: str = "") -> Outcome:
    """Remove one backup because a person says so; raises Refused where a guard forbids it.

    What cannot be removed now, for want of a store, is removed by the next run of `prune`.
    """
    refuse_in_window(why)
    if backup.status not in FINISHED:
        raise Refused(_("%s is under way") % backup)
    if backup in (Backup.objects.newest_verified(), Backup.objects.newest_verified(backup.plan)):
        raise Refused(_("%s is the newest verified backup; make another one first") % backup)
    if not _begin(backup):
        raise Refused(_("%s is held, or needed by a restore; release it first") % backup)
    outcome = Outcome()
    _finish(backup, caller, outcome, why)
    return outcome


def _entry(backup: Backup) -> Entry:
    stored = backup.status == Backup.Status.STORED
    return Entry(
        number=backup.pk,
        snapshot_at=backup.snapshot_at,
        plan=str(backup.plan_id) if backup.plan_id else None,
        finished=backup.status in FINISHED,
        verified=stored and backup.verified_at is not None and backup.snapshot_at is not None,
        held=backup.held,
        safety=backup.origin == Backup.Origin.SAFETY,
    )


def _keeps() -> dict[str, Keep]:
    """The numbers of every plan, enabled or not."""
    return {
        str(plan.pk): Keep(
            last=plan.keep_last,
            daily=plan.keep_daily,
            weekly=plan.keep_weekly,
            monthly=plan.keep_monthly,
            zone=plan.schedule.timezone,
        )
        for plan in BackupPlan.objects.select_related("schedule")
    }


def _begin(backup: Backup) -> bool:
    """Claim the backup for its removal; False where it may no longer be removed."""
    open_restores = Restore.objects.unfinished().filter(backup=backup)
    free = Backup.objects.kept().filter(pk=backup.pk, held=False, status__in=FINISHED)
    changed = free.exclude(pk__in=open_restores.values("backup")).update(removing_at=now())
    backup.refresh_from_db(fields=["removing_at", "held"])
    return bool(changed)


def _finish(backup: Backup, caller: Caller, outcome: Outcome, why: str) -> None:
    """Remove folder and copies, then write that they are gone; what fails stays to be done."""
    try:
        _remove_folder(places.folder(backup))
        reasons = [reason for copy in backup.copies.all() if (reason := _remove_copy(copy))]
    except OSError as error:
        reasons = [str(error)]
    if reasons:
        outcome.kept.append((backup, _("its removal is not complete: %s") % "; ".join(reasons)))
        return
    with transaction.atomic():
        if Backup.objects.filter(pk=backup.pk, removed_at=None).update(removed_at=now()):
            kept = backup.copies.filter(status=BackupCopy.Status.KEPT)
            names = list(kept.values_list("store", flat=True))
            details = {"reason": why} if why else {}
            Event.objects.record("backup.removed", backup, caller, kept_by=names, **details)
    outcome.removed.append(backup)


def _remove_folder(folder: Path) -> None:
    """Moved aside first: a folder of that name is whole or not there."""
    aside = folder.with_name(f"{folder.name}.removing")
    with suppress(FileNotFoundError):
        folder.rename(aside)
    if aside.exists():
        shutil.rmtree(aside)


def _remove_copy(copy: BackupCopy) -> str:
    """Remove the copy; returns why it is still there and must be tried again, "" if nothing is."""
    status, reason = BackupCopy.Status.REMOVED, ""
    if copy.status in (BackupCopy.Status.REMOVED, BackupCopy.Status.KEPT):
        return ""
    try:
        if copy.store != LOCAL and not places.is_ours(copy.backup):
            status, reason = BackupCopy.Status.KEPT, _("another installation made it")
        elif copy.store != LOCAL:
            prefix = places.prefix(copy.backup)
            first = [f"{prefix}/{places.MANIFEST}"]
            stores.named(copy.store).remove(prefix, first)
    except DeletionRefused as error:
        status, reason = BackupCopy.Status.KEPT, str(error)
    except StoreError as error:
        BackupCopy.objects.filter(pk=copy.pk).update(reason=str(error)[:500])
        return str(error)
    BackupCopy.objects.filter(pk=copy.pk).update(
        status=status, reason=reason[:500], checked_at=now()
    )
    return ""


def report(outcome: Outcome) -> dict[str, Any]:
    """{removed: [{id, name}], kept: [{id, name, because}]}, as commands print it."""
    return {
        "removed": [{"id": str(backup.uid), "name": backup.name} for backup in outcome.removed],
        "kept": [
            {"id": str(backup.uid), "name": backup.name, "because": because}
            for backup, because in outcome.kept
        ],
    }
