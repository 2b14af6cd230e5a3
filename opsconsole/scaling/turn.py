"""A turn of the autoscaler: every policy of every environment that runs is decided on, once.

A turn looks, writes the sample, decides, writes the decision, and leaves. A decision that changes
the number is carried out by a task of its own (apply.py), and later turns note what came of it
(outcomes.py). So a turn takes as long as a look does: each call of an engine, and of what is
measured, gives up after seconds, and no environment is begun after LONGEST; those that were decided
on longest ago come first.

Races, and why each is safe:

1. Two turns at once, for beat and a person may ask for one. An environment is decided on under a
   lock, which goes with the process; the second turn passes over it.
2. A person scales, or a deployment begins, between the look and the deed. apply.py looks again.
3. A worker is killed between writing the decision and its end. The row says `doing`, and the next
   turn finds how far it came.
4. A change takes longer than the time between two turns. The rows of the turns in that time say
   what would follow, and that it is not done now: one change of a service at a time.
5. One environment, or one policy, fails in a way that nobody has foreseen. It holds, and says so;
   the others are decided on.
6. The clock is set back. What rows say of the past keeps its distances (past.py).
7. Somebody removes the policy while it is decided on. Its row is locked before the decision is
   written, and where it is gone nothing is.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Min
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError
from opsconsole.environments.locks import holding
from opsconsole.environments.look import kept_engine
from opsconsole.gateways.postgres.server import Locked
from opsconsole.models import (
    Caller,
    Environment,
    Event,
    ScalingDecision,
    ScalingPolicy,
    ScalingSample,
)
from opsconsole.scaling import outcomes, past, pausing, sampling, startup, words
from opsconsole.scaling.apply import outcome_of
from opsconsole.scaling.decide import decide
from opsconsole.scaling.looks import Look, look
from opsconsole.scaling.policies import document_of, shape_of
from opsconsole.scaling.recorded import content_of
from opsconsole.scaling.shapes import Action, Decision, Policy, Rule, Sample
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)
LONGEST = timedelta(seconds=8)
"""After it no further environment is begun: the next turn is due after 15 seconds."""
HOLDS_AFTER = timedelta(minutes=5)
"""A policy that has held for so long is told, as the alert is."""
HOLDING = (Rule.MISSING, Rule.MEMORY, Rule.CONNECTIONS, Rule.SATURATED)
"""Rules that keep what is wanted from being done, until somebody mends what they speak of. The
others let go by themselves: windows, rates, a cooldown, a deployment."""
LONGEST_SAYING = 500
Outcome = ScalingDecision.Outcome
FAILURES = (EngineError, Refused)
"""The engine is away, or the environment's row lies."""


@dataclass(frozen=True)
class Turn:
    """Who takes it, when; a dry run leaves no rows behind.

    `began` is when `at` was, in seconds of time.monotonic.
    """

    caller: Caller
    at: datetime
    dry_run: bool
    began: float


def turn(
    *, caller: Caller, dry_run: bool = False, at: datetime | None = None
) -> list[ScalingDecision]:
    """What was decided, each a row; carried out is what says `doing`.

    With `dry_run` nothing is written, and the decisions have no key. Raises Busy where nothing was
    decided because other turns are under way.
    """
    this = Turn(caller, at or now(), dry_run, time.monotonic())
    made: list[ScalingDecision] = []
    passed: list[str] = []
    for environment in _environments():
        if time.monotonic() - this.began > LONGEST.total_seconds():
            log.warning("scaling: the next turn goes on with %s", environment)
            break
        try:
            with holding(f"autoscale {environment.pk}"):
                made += _taken(this, environment)
        except Locked:
            passed.append(environment.code)
        except Exception:
            log.exception("scaling: %s is not decided on", environment)
    if passed and not made:
        raise Busy(_("another turn of the autoscaler is under way: %s") % ", ".join(passed))
    return made


def _environments() -> Iterable[Environment]:
    """Those that have a policy, the one that was decided on longest ago first."""
    with_policy = Environment.objects.laid_out().filter(
        pk__in=ScalingPolicy.objects.values("environment")
    )
    decided = with_policy.annotate(decided=Min("scaling_policies__decided_at"))
    return decided.order_by(F("decided").asc(nulls_first=True), "pk")


def _taken(this: Turn, environment: Environment) -> Iterator[ScalingDecision]:
    """Each policy is decided on, whatever is wrong with another one."""
    rows = list(environment.scaling_policies.select_related("environment"))
    seen, trouble = _look(this, environment, rows)
    for row in rows:
        try:
            made = _decided(this, row, seen, trouble)
        except Exception as error:
            log.exception("scaling: %s", row)
            made = _not_decided(this, row, _unexpected(error))
        yield made


def _look(
    this: Turn, environment: Environment, rows: Iterable[ScalingPolicy]
) -> tuple[Look | None, str]:
    """What runs there, with what Prometheus says to all policies; or why it is not known."""
    try:
        seen = look(environment, kept_engine(environment), this.at, this.began)
        return sampling.with_answers(seen, _queries(rows)), ""
    except FAILURES as error:
        log.warning("scaling: %s: %s", environment, error)
        return None, redacted(str(error) or type(error).__name__)[:LONGEST_SAYING]
    except Exception as error:
        log.exception("scaling: %s", environment)
        return None, redacted(_unexpected(error))[:LONGEST_SAYING]


def _queries(rows: Iterable[ScalingPolicy]) -> Iterator[str]:
    """The expressions of those that are policies."""
    for row in rows:
        with suppress(ValidationError):
            yield from shape_of(row).queries


def _unexpected(error: Exception) -> str:
    """What nobody has foreseen, by its type: its text alone may be a mere word."""
    return f"{type(error).__name__}: {error}"


def _decided(this: Turn, row: ScalingPolicy, seen: Look | None, trouble: str) -> ScalingDecision:
    is_busy = not this.dry_run and _looked_after(this, row, seen)
    try:
        policy = shape_of(row)
    except ValidationError as error:
        return _not_decided(this, row, "; ".join(error.messages))
    sample, trouble = _sampled(seen, policy, trouble)
    history = past.history_of(row, policy, this.at, blind=sample is None)
    decision = decide(policy, sample, history, this.at)
    made = ScalingDecision(policy=row, says=trouble, **document_of(decision))
    if decision.action in (Action.UP, Action.DOWN):
        made.outcome = _outcome(this, row, is_busy=is_busy)
    if not this.dry_run:
        if sample is not None:
            _keep(row, sample)
        failed = _failed(this, made, sample)
        is_held = sample is None or _is_held(decision) or failed is not None
        _save(this, made, is_held=is_held, failed=failed)
    return made


def _looked_after(this: Turn, row: ScalingPolicy, seen: Look | None) -> bool:
    """Whether an earlier change is under way; what came of the others is written first."""
    pausing.look_after(row, this.at)
    service = seen.services.get(row.service) if seen else None
    return outcomes.look_after(row, service, this.at, caller=this.caller)


def _outcome(this: Turn, row: ScalingPolicy, *, is_busy: bool) -> str:
    outcome = outcome_of(row, this.at)
    if outcome != Outcome.DOING:
        return outcome
    if this.dry_run:
        return Outcome.DRY_RUN
    return Outcome.BUSY if is_busy else outcome


def _is_held(decision: Decision) -> bool:
    held_by = {clamp.rule for clamp in decision.clamps}
    return decision.action is Action.HOLD and not held_by.isdisjoint(HOLDING)


def _failed(this: Turn, made: ScalingDecision, sample: Sample | None) -> ScalingDecision | None:
    """The change before, where it failed and its number is wanted still, or is not ready still."""
    is_wanted = made.outcome in (Outcome.DOING, Outcome.BUSY)
    ready = sum(seen.ready for seen in sample.replicas) if sample else 0
    if not is_wanted and (sample is None or ready >= sample.wanted):
        return None
    failed = outcomes.failing(made.policy, this.at)
    return failed if failed and (is_wanted or failed.outcome == Outcome.SHORT) else None


def _keep(row: ScalingPolicy, sample: Sample) -> None:
    startup.learn(row, sample)
    content = content_of(sample)
    ScalingSample.objects.create(
        environment=row.environment, service=row.service, at=sample.at, content=content
    )


def _sampled(seen: Look | None, policy: Policy, trouble: str) -> tuple[Sample | None, str]:
    if seen is None:
        return None, trouble
    try:
        return sampling.sample_from(seen, policy.service, policy.queries), ""
    except FAILURES as error:
        return None, redacted(str(error))[:LONGEST_SAYING]


def _not_decided(this: Turn, row: ScalingPolicy, trouble: str) -> ScalingDecision:
    """Of a policy that nobody could have saved so, or that cannot be decided on: it holds, and
    says why.
    """
    number = past.last_number(row) or row.least
    made = ScalingDecision(
        policy=row, at=this.at, current=number, recommended=number, desired=number,
        action=Action.HOLD, says=redacted(trouble)[:LONGEST_SAYING],
    )  # fmt: skip
    if not this.dry_run:
        _save(this, made, is_held=True)
    return made


def _save(
    this: Turn, made: ScalingDecision, *, is_held: bool, failed: ScalingDecision | None = None
) -> None:
    with transaction.atomic():
        if ScalingPolicy.objects.select_for_update().filter(pk=made.policy.pk).first():
            made.save()
            _note(this, made, is_held, failed)


def _note(this: Turn, made: ScalingDecision, is_held: bool, failed: ScalingDecision | None) -> None:
    """Since when the policy holds, or its changes fail; told once it has done so for HOLDS_AFTER,
    and when it is over.

    Columns of the turn alone: somebody may pause or change the policy in this moment.
    """
    row = made.policy
    since = (row.held_since or this.at) if is_held else None
    is_news = outcome_of(row, this.at) == Outcome.DOING  # In dry run nobody waits for it.
    told = since is not None and (row.hold_told or (is_news and this.at >= since + HOLDS_AFTER))
    columns = {"decided_at": this.at, "held_since": since, "hold_told": told}
    ScalingPolicy.objects.filter(pk=row.pk).update(**columns)
    if told == row.hold_told:
        return
    about = {"environment": row.environment.code, "service": row.service}
    if told:
        about["reason"] = _why(made, failed)
        Event.objects.record("scaling.holds", row, this.caller, result=Event.Result.FAILED, **about)
    else:
        Event.objects.record("scaling.goes_on", row, this.caller, **about)


def _why(made: ScalingDecision, failed: ScalingDecision | None) -> str:
    """What keeps the policy from what is wanted, in a sentence: channels have no other page."""
    if failed:
        return failed.says or words.of_end(failed.document())
    return made.says or words.hold(made.document())
