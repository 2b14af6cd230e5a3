"""Carrying out a decision.

The row is the order: it says `doing`, and a message only asks to look at it. An engine that takes a
replica away waits for it to end, for minutes where a worker is busy; so this is a task of its own,
and the turns go on beside it.

Races, and why each is safe:

1. Two workers carry out one decision. Whoever does holds the lock of the service; the second one
   leaves. Once it is done, the row says so, and nobody does it again.
2. A person scales between the look and this. The engine is asked again just before: where it wants
   another number than the one that was decided on, nothing is done. Swarm refuses by its own
   version what changes in the moments after that; on Compose everybody who scales holds the lock.
3. A deployment begins between. It is looked for again just before; where it begins in the moments
   after that, it prepares images first, and finds the number that there is then.
4. Nobody takes the message up. The next turn writes that it came too late, and decides anew. Both
   are one UPDATE of a row that says `doing` and was not begun: one of them matches it.
5. Whoever carries it out is killed. The lock is free, and the row says that it was begun and not
   that it was done. What the engine was told half is told whole: the next turn has it carried out
   again. After a while the row has failed (outcomes.GIVEN_UP), and what is there is decided on.
6. The row was written by a web process that was taken over. Nothing in it is believed: the service,
   the bounds, the floors of exam windows and the mode of the policy are looked at again here.
"""

import logging
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, EngineError
from opsconsole.environments import bounds, guards, one_at_a_time
from opsconsole.environments.windows import refuse_below_floor
from opsconsole.models import Caller, ScalingDecision, ScalingPolicy
from opsconsole.scaling import outcomes
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)
LATE = timedelta(seconds=60)
"""What was decided longer ago is not begun any more."""
Outcome = ScalingDecision.Outcome


def carry_out(
    decision: ScalingDecision, engine: Engine, *, caller: Caller, at: datetime | None = None
) -> None:
    """Have the engine run as many replicas as were decided; returns when it has done so.

    Nothing where another one does it, or it is done. What goes wrong is in the row and in an event.
    """
    policy = decision.policy
    try:
        with one_at_a_time.scaling(policy.environment, policy.service):
            _carry_out(decision, engine, caller, at or now())
    except Busy as error:
        log.info("%s is not carried out here: %s", decision, error)


def _carry_out(decision: ScalingDecision, engine: Engine, caller: Caller, at: datetime) -> None:
    decision.refresh_from_db()
    decision.policy.refresh_from_db()
    if decision.outcome != Outcome.DOING or decision.acted_at:
        return
    if reason := _too_late(decision, at):
        outcomes.end(decision, reason)
    elif _begin(decision, at):
        try:
            _scale(decision, engine, at)
        except Busy as error:
            log.info("%s: %s", decision, error)
            outcomes.end(decision, Outcome.BUSY)
        except (EngineError, Refused) as error:
            outcomes.fail(decision, str(error) or type(error).__name__, caller)


def _too_late(decision: ScalingDecision, at: datetime) -> str:
    """Why it is not begun any more; what was begun is done whole."""
    if decision.begun_at:
        return ""
    if decision.at < at - LATE:
        return Outcome.LATE
    mode = outcome_of(decision.policy, at)
    return "" if mode == Outcome.DOING else mode


def _begin(decision: ScalingDecision, at: datetime) -> bool:
    """Write when it was begun first; False where a turn found that it came too late."""
    mine = ScalingDecision.objects.doing().filter(pk=decision.pk, acted_at=None)
    return bool(mine.update(begun_at=Coalesce("begun_at", at)))


def _scale(decision: ScalingDecision, engine: Engine, at: datetime) -> None:
    """Raises Refused, Busy and EngineError."""
    policy = decision.policy
    name, environment = policy.service, policy.environment
    guards.refuse_absent(environment)
    guards.refuse_while_deploying(environment)
    guards.refuse_while_removing(environment)
    if bounds.most(name, environment.engine) < 2:
        raise Refused(_("%s is not scaled") % name[:100])
    replicas = bounds.refuse_beyond(name, decision.desired, environment.engine)
    wanted = _wanted(engine, name)
    # As many as are wanted already where it was broken off; the engine does what is left of it.
    if wanted not in (decision.current, decision.desired):
        outcomes.end(decision, Outcome.CHANGED)
        return
    kind, most = environment.engine, policy.most
    refuse_below_floor(name, replicas, "", engine=kind, present=wanted, most=most)
    engine.scale(name, replicas)
    ScalingDecision.objects.filter(pk=decision.pk).update(acted_at=max(now(), at))


def _wanted(engine: Engine, name: str) -> int:
    for service in engine.services():
        if service.name == name:
            return service.scaled
    raise EngineError(_("there is no service %s") % name[:100])


def outcome_of(policy: ScalingPolicy, at: datetime) -> str:
    """What a policy in its mode makes of a change: `doing`, or why nothing is done."""
    if policy.dry_run:
        return Outcome.DRY_RUN
    return Outcome.PAUSED if policy.is_paused(at) else Outcome.DOING
