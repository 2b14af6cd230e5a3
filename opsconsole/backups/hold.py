"""Hold a backup back from retention, or let it go again."""

from django.db import transaction
from django.utils.translation import gettext as _

from opsconsole.models import Backup, Caller, Event
from pmscoring.base.lifecycle import WrongState


def hold(backup: Backup, *, caller: Caller, on: bool = True) -> None:
    """A held backup is never removed. Raises WrongState where its removal has begun.

    Retention may decide at the same moment: both change the row by one UPDATE that names what the
    other would write, so that a backup is held or is being removed, and never both.
    """
    with transaction.atomic():
        if not Backup.objects.kept().filter(pk=backup.pk).exclude(held=on).update(held=on):
            backup.refresh_from_db(fields=["held", "removing_at"])
            if backup.removing_at:
                raise WrongState(_("%s is being removed, or has been") % backup)
            return
        backup.held = on
        Event.objects.record("backup.held" if on else "backup.released", backup, caller)
