"""Pausing a policy: until a time, by whom, why. It ends by itself, and is announced before.

Races, and why each is safe: the announcement and the end are each one UPDATE that matches the row
only while it is still to be done, so that of two turns one records the event. Somebody who pauses
anew in between changes the times that the UPDATE asks for, and it matches nothing.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.models import Caller, Event, ScalingPolicy
from opsconsole.models.events import SYSTEM
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Refused

ANNOUNCED = timedelta(minutes=10)
"""So long before a pause ends, channels are reminded of it."""
LONGEST = timedelta(days=30)


def pause(
    policy: ScalingPolicy, until: datetime, why: str, *, caller: Caller, at: datetime | None = None
) -> None:
    """Let it decide, and do nothing, until then; raises Refused without an end or a reason."""
    at = at or now()
    if not at < until <= at + LONGEST:
        raise Refused(_("a pause ends later than now, and within %d days") % LONGEST.days)
    if not why.strip():
        raise Refused(_("a pause needs a reason: others will read it"))
    with transaction.atomic():
        _write(
            policy,
            paused_until=until,
            paused_by=caller.name[:150],
            paused_why=why.strip()[:200],
            # Whoever pauses for a shorter time has the end before their eyes.
            pause_told=until <= at + ANNOUNCED,
        )
        _record("policy.paused", policy, caller, ends=until.isoformat(), reason=policy.paused_why)


def resume(policy: ScalingPolicy, *, caller: Caller, at: datetime | None = None) -> None:
    """End a pause before its time; raises WrongState where there is none any more."""
    with transaction.atomic():
        paused = ScalingPolicy.objects.paused(at).filter(pk=policy.pk)
        if not paused.update(paused_until=None):
            raise WrongState(_("%s is not paused") % policy)
        policy.refresh_from_db(fields=["paused_until"])
        _record("policy.resumed", policy, caller)


def look_after(policy: ScalingPolicy, at: datetime) -> None:
    """Announce the end of its pause, once, and record the end when it has come."""
    if policy.paused_until is None:
        return
    same = ScalingPolicy.objects.filter(pk=policy.pk, paused_until=policy.paused_until)
    with transaction.atomic():
        if policy.paused_until <= at:
            if same.update(paused_until=None):
                policy.paused_until = None
                _record("policy.resumed", policy, SYSTEM, reason=_("the pause is over"))
        elif policy.paused_until <= at + ANNOUNCED and same.filter(pause_told=False).update(
            pause_told=True
        ):
            ends = policy.paused_until.isoformat()
            _record("policy.pause_ends", policy, SYSTEM, ends=ends, why=policy.paused_why)


def _write(policy: ScalingPolicy, **columns: object) -> None:
    """These columns alone: what a turn writes beside them stays."""
    ScalingPolicy.objects.filter(pk=policy.pk).update(**columns)
    policy.refresh_from_db(fields=list(columns))


def _record(deed: str, policy: ScalingPolicy, caller: Caller, **details: str) -> None:
    about = {"environment": policy.environment.code, "service": policy.service}
    Event.objects.record(deed, policy, caller, **about, **details)
