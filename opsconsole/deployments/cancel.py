"""Cancelling a deployment: before anything is replaced it ends, afterwards it goes back."""

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.models import Caller, Deployment, Event
from pmscoring.base.refusals import Refused

Status = Deployment.Status


def cancel(deployment: Deployment, *, caller: Caller) -> None:
    """End a deployment that nobody has taken up, and let the driver end any other; Refused.

    The row is locked. A worker that claims it meanwhile, or a driver that finishes it, waits, and
    then finds that it was cancelled; or was first, and is found by this.
    """
    with transaction.atomic():
        row = Deployment.objects.select_for_update(of=("self",)).get(pk=deployment.pk)
        if row.is_over:
            raise Refused(_("this deployment has ended"))
        if row.status == Status.ROLLING_BACK:
            raise Refused(_("it is going back already"))
        if row.status == Status.REQUESTED:
            _end(row, caller)
        elif not row.cancel_at:
            row.cancel_at, row.cancelled_by = now(), caller.name[:150]
            row.save(update_fields=["cancel_at", "cancelled_by"])
            Event.objects.record("deployment.cancel_requested", row, caller)
    deployment.refresh_from_db()


def _end(row: Deployment, caller: Caller) -> None:
    reason = _("cancelled by %s") % caller.name
    row.become(
        Status.CANCELLED, reason=reason, cancelled_by=caller.name[:150], cancel_at=now(),
        **row.at_end(),
    )  # fmt: skip
    Event.objects.record("deployment.cancelled", row, caller, result="failed", reason=reason)
