"""What a policy has behind it: rows of decisions, operations, deployments and events as a History.

Nothing is kept in memory, so it does not matter which worker takes a turn, nor that one was killed.

The clock may be set back. Then rows lie in the future, and rows of long ago seem to be of just now.
Rows are read in the order in which they were written, and no earlier one counts as later than the
one after it: what was before the step keeps its distances (`_in_order`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from opsconsole.environments import guards
from opsconsole.environments.performing import moment
from opsconsole.models import (
    Deployment,
    Environment,
    Event,
    Operation,
    Restore,
    ScalingDecision,
    ScalingPolicy,
)
from opsconsole.scaling.calendar import TICK, floors
from opsconsole.scaling.checks import LONGEST
from opsconsole.scaling.shapes import By, Change, History, Policy
from pmscoring.base import hold

MOST_ROWS = 2 * LONGEST // int(TICK.total_seconds())
"""That are read of one policy: those of the longest window, and as many that persons asked for."""
Outcome = ScalingDecision.Outcome
CHANGED = (Outcome.DOING, Outcome.DONE, Outcome.SHORT)
"""Decisions that have changed the number, or are about to."""
Columns = tuple[datetime, int, int, int, str, str]


def history_of(row: ScalingPolicy, policy: Policy, at: datetime, *, blind: bool = False) -> History:
    """All that its next decision must know; `policy` is what the row says.

    `blind` is without a sample: then the last number that was known is the last of the changes.
    """
    since = at - reach_of(policy)
    rows = list(_in_order(_decisions(row, since), at))
    own = [Change(when, before, after) for when, _r, before, after, action, outcome in rows
           if action in ("up", "down") and outcome in CHANGED]  # fmt: skip
    changes = sorted([*own, *_by_hand(row, since, at)], key=lambda change: change.at)
    return History(
        recommendations=[(when, recommended) for when, recommended, *_rest in rows],
        changes=[each for each in changes if each.at >= since] + _known(row, at) * blind,
        failures=_failures(row, policy),
        deploying=is_disturbed(row.environment),
        deployed_at=_deployed_at(row.environment, at),
        by_hand_until=by_hand_until(row, at),
        floors=floors(row.service, at, row.startup_seconds, row.environment.engine),
    )


def _known(row: ScalingPolicy, at: datetime) -> list[Change]:
    number = last_number(row)
    return [] if number is None else [Change(at, number, number)]


def last_number(row: ScalingPolicy) -> int | None:
    """What was asked for last, as far as decisions know."""
    last = row.decisions.order_by("-pk").first()
    if last is None:
        return None
    return last.desired if last.outcome in CHANGED else last.current


def reach_of(policy: Policy) -> timedelta:
    """How far back its windows, rates and cooldown go."""
    periods = (rate.seconds for rate in (*policy.up_rates, *policy.down_rates))
    return timedelta(seconds=max(policy.up_window, policy.down_window, policy.cooldown, *periods))


def _decisions(row: ScalingPolicy, since: datetime) -> Iterator[Columns]:
    """The newest first."""
    columns = ("at", "recommended", "current", "desired", "action", "outcome")
    rows = row.decisions.filter(at__gte=since).order_by("-pk")
    return iter(rows.values_list(*columns)[:MOST_ROWS])


def _in_order(rows: Iterable[Columns], at: datetime) -> Sequence[Columns]:
    """The oldest first, none later than the one after it, nor than `at`."""
    later, step, ordered = at, timedelta(0), list[Columns]()
    for row in rows:
        step = max(step, row[0] - later)
        later = row[0] - step
        ordered.append((later, *row[1:]))
    return ordered[::-1]


def _by_hand(row: ScalingPolicy, since: datetime, at: datetime) -> Iterator[Change]:
    """Changes that persons asked for, as the events of them say."""
    events = Event.objects.filter(
        deed="service.scaled",
        object_type="environment",
        object_id=str(row.environment_id),
        at__gte=since,
        details__service=row.service,
    )
    for when, details in events.values_list("at", "details"):
        before, after = details.get("from"), details.get("to")
        if type(before) is int and type(after) is int:
            yield Change(min(when, at), before, after, By.PERSON)


def _failures(row: ScalingPolicy, policy: Policy) -> dict[str, int]:
    """How often each metric has failed in a row; counted as far as its fallback asks."""
    wanted = {each.key: each.fallback.after + 1 for each in policy.metrics if each.fallback}
    if not wanted:
        return {}
    newest = row.decisions.order_by("-pk").values_list("inputs", flat=True)
    inputs = list(newest[: max(wanted.values())])
    return {key: _running(inputs, key) for key in wanted}


def _running(inputs: Sequence[list[dict[str, Any]]], key: str) -> int:
    for count, seen in enumerate(inputs):
        wants = {each.get("key"): each.get("wants") for each in seen}
        if wants.get(key) is not None or (seen and key not in wants):
            return count
    return len(inputs)


def is_disturbed(environment: Environment) -> bool:
    """Whether a deployment, a restore or a hold is under way, in which samples say nothing."""
    restores = Restore.objects.filter(status__in=Restore.working_states())
    here = environment.is_here and (hold.is_held() or restores.exists())
    return here or guards.is_deploying(environment)


def _deployed_at(environment: Environment, at: datetime) -> datetime | None:
    """When the last deployment ended that had begun."""
    begun = environment.deployments.filter(status__in=Deployment.ENDS).exclude(started_at=None)
    ended: datetime | None = begun.aggregate(at=Max("finished_at"))["at"]
    return min(ended, at) if ended else None


def by_hand_until(row: ScalingPolicy, at: datetime) -> datetime | None:
    """Until when a number holds that a person has set, or is setting just now."""
    ends = [_end_of(operation, at) for operation in _scalings(row)]
    return max(filter(None, ends), default=None)


def _scalings(row: ScalingPolicy) -> Iterable[Operation]:
    unfinished = Operation.objects.unfinished().filter(kind=Operation.Kind.SCALE)
    return unfinished.filter(environment=row.environment_id, target=row.service)


def _end_of(operation: Operation, at: datetime) -> datetime | None:
    """Of a number that is put back later, then; of one that is still to be set, one turn on."""
    end = moment(operation.arguments.get("not_before"))
    return max(end, at + TICK) if end else at + TICK
