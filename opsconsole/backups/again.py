"""Copy a backup again to the stores that lack it, once what had failed there is mended.

Races, and why each is safe:

1. A backup is being made, or another copies this one. Whoever does either holds the installation's
   lock for it (alone.py); the other gets Busy.
2. The backup is being removed meanwhile. Then a file that is read is missing, and the copy fails; a
   copy that was complete before is removed with the others, or by the next run of `prune`.
"""

from django.utils.translation import gettext as _

from opsconsole.backups import alone, copies, places
from opsconsole.models import LOCAL, Backup, BackupCopy, Caller, Event
from pmscoring.base.progress import Say
from pmscoring.base.refusals import Refused


def can_copy(backup: Backup) -> bool:
    """Whether there is something to copy again, and something to copy it from."""
    is_lacking = backup.status == Backup.Status.FAILED and backup.verified_at is not None
    is_over = backup.status == Backup.Status.STORED or is_lacking
    lacking = backup.copies.filter(status=BackupCopy.Status.FAILED).exclude(store=LOCAL)
    return is_over and backup.removing_at is None and lacking.exists()


def copy_again(backup: Backup, *, caller: Caller, say: Say) -> None:
    """Copy what is in the backup folder to each store that lacks it; then the backup is stored.

    Raises Refused, Busy, and copies.Missing with the reason of each store.
    """
    if not can_copy(backup):
        raise Refused(_("%s lacks no copy that could be made again") % backup)
    if not places.folder(backup).is_dir():
        raise Refused(_("the files of %s are not in the backup folder") % backup)
    with alone.only_backup():
        try:
            copies.store_all(backup, say)
        except copies.Missing as error:
            reason = str(error)
            Event.objects.record("backup.failed", backup, caller, result="failed", reason=reason)
            raise
        with backup.all_or_none():
            if backup.status == Backup.Status.FAILED:
                backup.become(Backup.Status.STORED, reason="")
            details = {"stores": backup.stores, "verified": backup.verified_at is not None}
            Event.objects.record("backup.stored", backup, caller, **details)
