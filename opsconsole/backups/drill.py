"""The drill: an old backup is read from its store each week, restored on trial, and compared.

What cannot even be read is a failed verification too: it is written down, and channels are told.
"""

from datetime import datetime, timedelta

from django.db.models import DateTimeField, F, Max, OuterRef, Subquery
from django.utils.timezone import now

from opsconsole.backups import looking, places
from opsconsole.backups.report import Check, Report
from opsconsole.backups.verify import FAILURES, record, verify
from opsconsole.models import LOCAL, Backup, BackupCopy, Caller, Verification
from pmscoring.base.progress import Say
from pmscoring.base.redaction import redacted

EVERY, AGAIN = timedelta(days=7), timedelta(days=1)
"""How often a drill must pass, and how soon after a failed one the next is tried."""


def is_due(at: datetime | None = None) -> bool:
    """Whether it is time, and no backup is under way: both would want the same disk."""
    at = at or now()
    if Backup.objects.under_way().exists():
        return False
    looks = Verification.objects.filter(started_at__gt=F("backup__finished_at"))
    last_try = looks.aggregate(at=Max("started_at"))["at"]
    last_passed = looks.filter(ok=True).aggregate(at=Max("started_at"))["at"]
    return _before(last_try, at - AGAIN) and _before(last_passed, at - EVERY)


def drill(*, caller: Caller, say: Say) -> Verification | None:
    """Verify the copy that was not looked at for the longest time; None where there is none.

    A copy in a store comes before those in the backup folder.
    """
    copy = next_copy()
    return look(copy.backup, copy.store, caller=caller, say=say) if copy else None


def next_copy() -> BackupCopy | None:
    """The copy whose turn it is, of a verified backup that is not being removed."""
    looks = Verification.objects.filter(backup=OuterRef("backup"), store=OuterRef("store"))
    last_look = looks.order_by("-started_at").values("started_at")[:1]
    copies = (
        BackupCopy.objects.filter(
            status=BackupCopy.Status.STORED, backup__in=Backup.objects.verified()
        )
        .annotate(last_look=Subquery(last_look, output_field=DateTimeField()))
        .order_by(F("last_look").asc(nulls_first=True), "backup__snapshot_at")
        .select_related("backup")
    )
    return copies.exclude(store=LOCAL).first() or copies.first()


def look(backup: Backup, store: str = "", *, caller: Caller, say: Say) -> Verification:
    """Verify the backup in the store, or where it can be read; a failure to read it counts as one.

    Without a store that is the backup folder, or else the first store that has a copy.
    """
    store, began = store or _store_of(backup), now()
    try:
        with looking.shown(backup, say) as tell:
            return verify(backup, store=store, caller=caller, say=tell)
    except FAILURES as error:
        report = Report(checks=[Check("reading", False, redacted(str(error)))])
        seconds = (now() - began).total_seconds()
        return record(backup, report, store=store, caller=caller, seconds=seconds)


def _store_of(backup: Backup) -> str:
    if places.folder(backup).is_dir():
        return LOCAL
    copy = backup.copies.exclude(store=LOCAL).exclude(status=BackupCopy.Status.REMOVED).first()
    return copy.store if copy else LOCAL


def _before(at: datetime | None, limit: datetime) -> bool:
    return at is None or at < limit
