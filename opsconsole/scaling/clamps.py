"""The rules between what the metrics want and what is done, each recorded when it changes it. Pure.

In this order, and why:

1. *Deployment under way*: nothing is changed, not even for the bounds. The number that is asked
   for, and the replicas that are seen, are the deployment's, with surge replicas among them.
2. *By hand*, for a time: the number is the person's, also beyond the least and the most. Only the
   calendar raises it: who set it may not have thought of the exam.
3. *Missing* metrics lower nothing.
4. *Least* and *most* bound the wish, so that no window or rate is said to keep what they keep.
5. *Windows*, then *fallback*, then *rates*. A fallback is no recommendation, and so a window
   upwards would keep it for ever; a rate only spreads it over time.
6. *Saturated*: what stands behind has no room, so more would not help. It lowers nothing.
7. *Cooldown*: after a deployment or a change by hand the metrics' wish waits.
8. *Calendar*: after everything about wishes, because people have laid it down beforehand.
9. *Memory* and *connections*: after the calendar, because replicas that the machine cannot hold
   endanger those that run. They bound growth alone.
10. *Least* and *most* again, because they hold whatever else is said: the least is started without
    data, in a cooldown and without room, and no calendar goes beyond the most.

A number that lies beyond the least and the most is moved there at once; windows and rates begin
from there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opsconsole.scaling import rates, windows
from opsconsole.scaling.shapes import (
    Behaviour,
    By,
    Clamp,
    Floor,
    History,
    Input,
    Policy,
    Room,
    Rule,
)


@dataclass(frozen=True)
class Case:
    """What the rules look at; `seen` is how many replicas were."""

    policy: Policy
    history: History
    at: datetime
    current: int
    inputs: Sequence[Input] = ()
    seen: int = 0
    room: Room = field(default_factory=Room)

    @property
    def base(self) -> int:
        """The present number, or the bound that it lies beyond."""
        return min(max(self.current, self.policy.least), self.policy.most)

    @property
    def failed(self) -> list[str]:
        """The keys of the metrics that say nothing."""
        return [each.key for each in self.inputs if each.wants is None]


Bound = Callable[[Case, int], Clamp | None]
"""A rule: what it makes of the number; None where it leaves it alone."""


def settle(case: Case, number: int) -> tuple[int, list[Clamp]]:
    """The number that is left of the wish, and every rule that changed it, in order."""
    clamps = []
    for bound in _bounds(case):
        if clamp := bound(case, number):
            clamps.append(clamp)
            number = clamp.after
    return number, clamps


def _bounds(case: Case) -> Iterable[Bound]:
    if case.history.deploying:
        return (_deploying,)
    if _is_by_hand(case):
        return (_by_hand, _calendar, _memory, _connections)
    return ORDER


def _moved(
    rule: Rule, before: int, after: int, until: datetime | None = None, says: str = ""
) -> Clamp | None:
    return Clamp(rule, before, after, until, says) if before != after else None


def _deploying(case: Case, number: int) -> Clamp:
    return Clamp(Rule.DEPLOYING, number, case.current)


def _is_by_hand(case: Case) -> bool:
    until = case.history.by_hand_until
    return until is not None and case.at < until


def _by_hand(case: Case, number: int) -> Clamp:
    return Clamp(Rule.BY_HAND, number, case.current, case.history.by_hand_until)


def _missing(case: Case, number: int) -> Clamp | None:
    """Recorded wherever a metric failed and nothing else wants more."""
    if not case.failed or number > case.current:
        return None
    return Clamp(Rule.MISSING, number, case.current, says=", ".join(case.failed))


def _fallback(case: Case, number: int) -> Clamp | None:
    replicas = [
        metric.fallback.replicas
        for metric in case.policy.metrics
        if metric.key in case.failed and metric.fallback
        # The present sample is one failure more than the history knows.
        if case.history.failures.get(metric.key, 0) + 1 > metric.fallback.after
    ]
    return _moved(Rule.FALLBACK, number, max([number, *replicas]))


def _window(case: Case, number: int) -> Clamp | None:
    policy, past = case.policy, case.history.recommendations
    if len(case.failed) == len(case.inputs):
        return None  # In the plain form an old recommendation would raise it, on no data at all.
    if policy.behaviour is Behaviour.PLAIN:
        held = windows.stabilised_plainly(case.base, number, past, case.at, policy.down_window)
    else:
        ups, downs = policy.up_window, policy.down_window
        held = windows.stabilised(case.base, number, past, case.at, ups, downs)
    rule = Rule.UP_WINDOW if held.number < number else Rule.DOWN_WINDOW
    return _moved(rule, number, held.number, held.until)


def _rate(case: Case, number: int) -> Clamp | None:
    if number > case.base:
        limit = _most_at_once(case)
        return _at_most(Rule.UP_RATE, number, limit.number, limit.until) if limit else None
    if number < case.base and case.policy.behaviour is Behaviour.BEHAVIOR:
        changes, downs = case.history.changes, case.policy.down_rates
        limit = rates.downwards(case.base, downs, changes, case.at)
        return _at_least(Rule.DOWN_RATE, number, limit.number, limit.until) if limit else None
    return None


def _most_at_once(case: Case) -> rates.Limit | None:
    if case.policy.behaviour is Behaviour.PLAIN:
        return rates.Limit(rates.upwards_plainly(case.base))
    return rates.upwards(case.base, case.policy.up_rates, case.history.changes, case.at)


def _at_most(
    rule: Rule, number: int, most: int, until: datetime | None = None, says: str = ""
) -> Clamp | None:
    return _moved(rule, number, min(number, most), until, says)


def _at_least(
    rule: Rule, number: int, least: int, until: datetime | None = None, says: str = ""
) -> Clamp | None:
    return _moved(rule, number, max(number, least), until, says)


def _saturated(case: Case, number: int) -> Clamp | None:
    if not case.room.saturated or number <= case.base:
        return None
    return _moved(Rule.SATURATED, number, case.base, says=case.room.saturated)


def _cooldown(case: Case, number: int) -> Clamp | None:
    """From the last deployment, or change that the policy has not made."""
    times = [each.at for each in case.history.changes if each.by is not By.POLICY]
    times += [case.history.deployed_at] if case.history.deployed_at else []
    last = max((time for time in times if time <= case.at), default=None)
    if last is None:
        return None
    until = last + timedelta(seconds=case.policy.cooldown)
    return _moved(Rule.COOLDOWN, number, case.base, until) if case.at < until else None


def _calendar(case: Case, number: int) -> Clamp | None:
    floors = [each for each in case.history.floors if each.prepare_at <= case.at < each.ends_at]
    if not floors:
        return None
    floor: Floor = max(floors, key=lambda each: (each.replicas, each.ends_at))
    return _at_least(Rule.CALENDAR, number, floor.replicas, floor.ends_at, floor.name)


def _memory(case: Case, number: int) -> Clamp | None:
    return _growth(Rule.MEMORY, case, number, case.room.memory_free, case.room.memory_each)


def _connections(case: Case, number: int) -> Clamp | None:
    free, each = case.room.connections_free, case.room.connections_each
    return _growth(Rule.CONNECTIONS, case, number, free, each)


def _growth(
    rule: Rule, case: Case, number: int, free: int | None, each: int | None
) -> Clamp | None:
    """Room for those that were asked for and are not there yet is taken already."""
    if free is None or not each or number <= case.current:
        return None
    coming = max(case.current - case.seen, 0)
    more = max(free // each - coming, 0)
    return _at_most(rule, number, case.current + more)


def _least(case: Case, number: int) -> Clamp | None:
    return _at_least(Rule.LEAST, number, case.policy.least)


def _most(case: Case, number: int) -> Clamp | None:
    return _at_most(Rule.MOST, number, case.policy.most)


ORDER: Sequence[Bound] = (
    _missing,
    _least,
    _most,
    _window,
    _fallback,
    _rate,
    _saturated,
    _cooldown,
    _calendar,
    _memory,
    _connections,
    _least,
    _most,
)
