"""Plans: which are due, which are overdue. One backup at a time, and a missed one is made up for.

Two sweeps at once: both find a plan due. Each moves its `started_at` by one UPDATE that names the
time it has seen there; the second matches no row and requests nothing.

The clock may be set back. A `started_at` in the future would silence the plan until then, so it is
brought back to the present; a snapshot in the future does not count as fresh.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min, Q
from django.utils.timezone import now

from opsconsole.backups import take
from opsconsole.models import Backup, BackupPlan, Caller, Event
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

BEAT = Caller(source="beat")
TELL_AGAIN = timedelta(days=1)
TOLERANCE = timedelta(minutes=5)
"""Clocks differ by less than this."""


def due(at: datetime | None = None) -> list[BackupPlan]:
    """The enabled plans whose schedule has come since they last started, the longest due first."""
    at = at or now()
    plans = BackupPlan.objects.filter(enabled=True).select_related("schedule")
    return [plan for plan in plans.order_by("started_at") if next_start(plan, at) <= at]


def next_start(plan: BackupPlan, at: datetime | None = None) -> datetime:
    """When the plan starts next; in the past where it has been missed."""
    at = at or now()
    since = plan.started_at
    schedule: Any = plan.schedule.schedule
    schedule.nowfun = lambda: at.astimezone(schedule.tz)
    remaining: timedelta = schedule.remaining_estimate(since.astimezone(schedule.tz))
    return at + remaining


def request_due(at: datetime | None = None) -> Backup | None:
    """Request the backup of one due plan, unless another backup waits or is under way.

    The others stay due, and have their turn when this one is over.
    """
    at = at or now()
    BackupPlan.objects.filter(started_at__gt=at + TOLERANCE).update(started_at=at)
    if Backup.objects.unfinished().exists():
        return None
    for plan in due(at)[:1]:
        return _request(plan, at)
    return None


def _request(plan: BackupPlan, at: datetime) -> Backup | None:
    mine = BackupPlan.objects.filter(pk=plan.pk, enabled=True, started_at=plan.started_at)
    with transaction.atomic():
        if not mine.update(started_at=at):
            return None
        try:
            return take.request(caller=BEAT, plan=plan)
        except Refused as error:
            # It has had its turn: asked again at once, it would be refused again.
            reason = redacted(str(error))
            Event.objects.record("backup.failed", plan, BEAT, result="failed", reason=reason)
            return None


def is_overdue(plan: BackupPlan, at: datetime | None = None) -> bool:
    """Whether the newest verified backup's snapshot is older than the plan allows.

    A plan that has none yet is overdue that long after its first backup was requested, or after it
    was made.
    """
    at = at or now()
    return _since(plan, at) < at - timedelta(hours=plan.most_hours)


def _since(plan: BackupPlan, at: datetime) -> datetime:
    rows = Backup.objects.filter(plan=plan)
    verified = Backup.objects.verified().filter(plan=plan, snapshot_at__lte=at + TOLERANCE)
    newest = verified.order_by("snapshot_at").last()
    if newest and newest.snapshot_at:
        return newest.snapshot_at
    first: datetime | None = rows.aggregate(at=Min("requested_at"))["at"]
    return min(first, plan.started_at) if first else plan.started_at


def tell_overdue(at: datetime | None = None) -> list[Event]:
    """Record an event of each overdue plan, once a day, which channels are told of."""
    at = at or now()
    plans = BackupPlan.objects.filter(enabled=True)
    events = []
    for plan in plans:
        if not is_overdue(plan, at):
            plans.filter(pk=plan.pk).exclude(overdue_told_at=None).update(overdue_told_at=None)
        elif event := _tell(plan, at):
            events.append(event)
    return events


def _tell(plan: BackupPlan, at: datetime) -> Event | None:
    # Of two sweeps one UPDATE matches. A time in the future is that of a clock since set back.
    not_today = Q(overdue_told_at=None) | Q(overdue_told_at__lte=at - TELL_AGAIN)
    not_today |= Q(overdue_told_at__gt=at + TOLERANCE)
    with transaction.atomic():
        if not BackupPlan.objects.filter(not_today, pk=plan.pk).update(overdue_told_at=at):
            return None
        newest = Backup.objects.newest_verified(plan)
        return Event.objects.record(
            "plan.overdue",
            plan,
            BEAT,
            result=Event.Result.FAILED,
            newest_verified=newest.name if newest else "",
            snapshot_at=newest.snapshot_at if newest else None,
            most_hours=plan.most_hours,
        )
