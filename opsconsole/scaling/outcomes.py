"""What came of changes: read off the engine at later turns, written into rows, told by events.

A change that the engine has done is over when as many replicas are ready as were asked for. Where
they do not become so in time, the row says how many did, and why the others did not in the engine's
own words.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import Service, State
from opsconsole.environments import one_at_a_time
from opsconsole.models import Caller, Event, ScalingDecision, ScalingPolicy
from pmscoring.base.redaction import redacted

log = logging.getLogger(__name__)
GIVEN_UP = timedelta(minutes=10)
"""After it a change is not tried again whose workers were killed."""
PATIENCE = timedelta(minutes=5)
"""So long replicas may take to become ready whose start-up time was not measured."""
LEAST_PATIENCE = timedelta(minutes=2)
NEWS = timedelta(hours=1)
"""The same failure again is told again after it."""
LONGEST_SAYING = 500
Outcome = ScalingDecision.Outcome
ENDS = (Outcome.DONE, Outcome.SHORT, Outcome.FAILED, Outcome.CHANGED, Outcome.LATE)


def look_after(
    policy: ScalingPolicy, service: Service | None, at: datetime, *, caller: Caller
) -> bool:
    """Write what came of its changes; whether one is under way, after which alone others follow.

    `service` is None where the engine does not say what runs.
    """
    under_way = False
    for decision in policy.decisions.doing().select_related("policy__environment").order_by("pk"):
        if decision.acted_at is None:
            under_way |= _is_under_way(decision, at, caller)
        elif service is not None:
            _look_after(decision, service, at, caller)
    return under_way


def _is_under_way(decision: ScalingDecision, at: datetime, caller: Caller) -> bool:
    """Whether somebody carries it out, or it is to be carried out again (apply.py, races 4, 5)."""
    if decision.begun_at is None:
        same = ScalingDecision.objects.doing().filter(pk=decision.pk, begun_at=None)
        return not same.update(outcome=Outcome.LATE)
    policy = decision.policy
    if one_at_a_time.is_scaled(policy.environment, policy.service):
        return True
    if decision.begun_at > at - GIVEN_UP:
        return True
    fail(decision, _("it was broken off"), caller)
    return False


def _look_after(decision: ScalingDecision, service: Service, at: datetime, caller: Caller) -> None:
    ready = [replica for replica in service.replicas if replica.is_ready]
    if _has_come(decision, service, len(ready)):
        _done(decision, len(ready), at, caller)
    elif _is_overtaken(decision, service):
        end(decision, Outcome.CHANGED, came=len(ready), came_at=at)
    elif decision.acted_at and at > decision.acted_at + patience_with(decision.policy):
        outcome = Outcome.SHORT if _is_up(decision) else Outcome.FAILED
        fail(decision, _why(service), caller, outcome=outcome, came=len(ready), came_at=at)


def _has_come(decision: ScalingDecision, service: Service, ready: int) -> bool:
    if _is_up(decision):
        return ready >= decision.desired
    return sum(each.state is not State.STOPPED for each in service.replicas) <= decision.desired


def _is_overtaken(decision: ScalingDecision, service: Service) -> bool:
    """Whether another number is wanted by now, beyond which this one cannot come."""
    if _is_up(decision):
        return service.scaled < decision.desired
    return service.scaled > decision.desired


def _is_up(decision: ScalingDecision) -> bool:
    return decision.desired > decision.current


def patience_with(policy: ScalingPolicy) -> timedelta:
    """How long its replicas may take to become ready."""
    if policy.startup_seconds is None:
        return PATIENCE
    return max(LEAST_PATIENCE, timedelta(seconds=3 * policy.startup_seconds))


def _why(service: Service) -> str:
    """What the first replica that is not ready says of itself."""
    for replica in service.replicas:
        if not replica.is_ready:
            says = " ".join(replica.health_says.split()) or f"{replica.state}, {replica.health}"
            return f"{replica.name}: {says}"
    return _("%(count)d of %(service)s run") % {
        "count": len(service.replicas), "service": service.name
    }  # fmt: skip


def _done(decision: ScalingDecision, ready: int, at: datetime, caller: Caller) -> None:
    with transaction.atomic():
        if end(decision, Outcome.DONE, came=ready, came_at=at):
            seconds = round(max((at - decision.at).total_seconds(), 0.0), 1)
            _record("scaling.done", decision, caller, seconds=seconds)


def fail(
    decision: ScalingDecision,
    says: str,
    caller: Caller,
    *,
    outcome: str = Outcome.FAILED,
    **columns: object,
) -> None:
    """End a change that came to nothing, or not to all; the same again and again is told once."""
    says = redacted(says)[:LONGEST_SAYING]
    with transaction.atomic():
        if end(decision, outcome, says=says, **columns) and _is_news(decision):
            _record("scaling.failed", decision, caller, result=Event.Result.FAILED, reason=says)


def _is_news(decision: ScalingDecision) -> bool:
    """Whether the change before did not end in the same way a short while ago."""
    earlier = decision.policy.decisions.filter(pk__lt=decision.pk, at__gt=decision.at - NEWS)
    before = earlier.filter(outcome__in=(Outcome.DONE, Outcome.SHORT, Outcome.FAILED)).first()
    return before is None or _said(before) != _said(decision)


def _said(decision: ScalingDecision) -> tuple[str, int, str]:
    return decision.outcome, decision.desired, decision.says


def failing(policy: ScalingPolicy, at: datetime | None = None) -> ScalingDecision | None:
    """Its last change that has ended, where it came to nothing, or not to all, a short while ago.

    A change that somebody else has overtaken, or that nobody took up, is among them: where the next
    ones end so too, the policy is at work and nothing follows from it.
    """
    recent = policy.decisions.changing().filter(at__gt=(at or now()) - NEWS)
    last = recent.filter(outcome__in=ENDS).first()
    return last if last and last.outcome != Outcome.DONE else None


def end(decision: ScalingDecision, outcome: str, **columns: object) -> bool:
    """Write how it ended; whether nobody else has written another end before."""
    rows = ScalingDecision.objects.doing().filter(pk=decision.pk)
    ended = bool(rows.update(outcome=outcome, **columns))
    decision.refresh_from_db(fields=["outcome", *columns])
    return ended


def _record(
    deed: str,
    decision: ScalingDecision,
    caller: Caller,
    *,
    result: str = Event.Result.OK,
    **details: object,
) -> None:
    policy = decision.policy
    about = {"environment": policy.environment.code, "service": policy.service}
    numbers = {"from": decision.current, "to": decision.desired}
    Event.objects.record(deed, policy, caller, result=result, **about, **numbers, **details)
    log.info("%s: %s", deed, decision)
