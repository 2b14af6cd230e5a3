"""How far a verification of a finished backup is: in its row, for whoever looks at its page.

The row is nobody's claim, so it is written with an UPDATE of its own, and only while the backup is
finished. What a killed worker leaves there is cleared by the sweep, by its time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from django.utils.timezone import now

from opsconsole.backups.progress import BEAT_SECONDS
from opsconsole.models import Backup
from pmscoring.base.progress import Say

FINISHED = (Backup.Status.STORED, Backup.Status.FAILED)


@contextmanager
def shown(backup: Backup, say: Say) -> Iterator[Say]:
    """A `say` that also writes into the backup's row, for as long as the block lasts."""
    row = Backup.objects.filter(pk=backup.pk, status__in=FINISHED)
    since = 0.0

    def tell(fraction: float, note: str) -> None:
        nonlocal since
        if monotonic() - since >= BEAT_SECONDS:
            since = monotonic()
            row.update(stage=note[:100], fraction=min(max(fraction, 0.0), 1.0), claimed_at=now())
        say(fraction, note)

    try:
        yield tell
    finally:
        row.update(stage="", fraction=1.0, claimed_at=None)


def forget(after: timedelta) -> None:
    """Clear what killed workers left: no sign of life came for longer than `after`."""
    left = Backup.objects.filter(status__in=FINISHED, claimed_at__lt=now() - after)
    left.update(stage="", fraction=1.0, claimed_at=None)
