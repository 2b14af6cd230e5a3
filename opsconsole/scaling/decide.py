"""What follows from a sample, by a policy and what was before. Pure: the same in, the same out."""

from datetime import datetime, timedelta

from opsconsole.scaling import clamps, hpa
from opsconsole.scaling.hpa import Wish
from opsconsole.scaling.shapes import (
    Action,
    Clamp,
    Decision,
    History,
    Input,
    Metric,
    Policy,
    Room,
    Rule,
    Sample,
)
from opsconsole.scaling.troubles import Trouble

OLD = timedelta(seconds=60)
"""A sample from before that says nothing of the present."""
AT_REST = frozenset({Rule.TOLERANCE, Rule.LEAST})
"""Rules of a service that needs no change; any other that keeps the number holds it."""


def decide(policy: Policy, sample: Sample | None, history: History, at: datetime) -> Decision:
    """The number of replicas that the policy wants at the time, with all that led to it.

    Without a sample the present number is that of the last change, or the policy's least where none
    is known. `clamps` says which rules hold, and in which order.
    """
    current = sample.wanted if sample else _last(policy, history)
    wishes = [_wish(metric, policy, sample, at) for metric in policy.metrics]
    inputs = tuple(map(_input, policy.metrics, wishes))
    wanted = _highest([each.wants for each in wishes], current)
    exact = _highest([each.exact for each in wishes], current)
    seen, room = (len(sample.replicas), sample.room) if sample else (current, Room())
    case = clamps.Case(policy, history, at, current, inputs, seen, room)
    desired, bound = clamps.settle(case, wanted)
    if exact != wanted:
        bound.insert(0, Clamp(Rule.TOLERANCE, exact, wanted))
    return Decision(
        at,
        policy.service,
        current,
        recommended=_recommended(case, wanted),
        desired=desired,
        action=_action(current, desired, bound),
        because=_because(desired, bound),
        inputs=inputs,
        clamps=tuple(bound),
    )


def _last(policy: Policy, history: History) -> int:
    return history.changes[-1].after if history.changes else policy.least


def _recommended(case: clamps.Case, wanted: int) -> int:
    """While a deployment is under way, what was recommended before: surge replicas say nothing.

    Else the windows would remember them, and the plain form would raise the number to theirs.
    """
    if case.history.deploying:
        before = case.history.recommendations
        return before[-1][1] if before else case.current
    return max(wanted, case.current) if case.failed else wanted


def _wish(metric: Metric, policy: Policy, sample: Sample | None, at: datetime) -> Wish:
    if sample is None:
        return Wish(trouble=Trouble.NO_SAMPLE)
    if at - sample.at > OLD:
        return Wish(trouble=Trouble.OLD_SAMPLE)
    return hpa.wish(metric, policy, sample)


def _input(metric: Metric, wish: Wish) -> Input:
    return Input(metric.key, metric.target, metric.basis, wish.value, wish.wants, wish.trouble)


def _highest(numbers: list[int | None], current: int) -> int:
    """Of those that are known; the present number where none is."""
    return max((number for number in numbers if number is not None), default=current)


def _action(current: int, desired: int, bound: list[Clamp]) -> Action:
    if desired != current:
        return Action.UP if desired > current else Action.DOWN
    return Action.STAY if all(each.rule in AT_REST for each in bound) else Action.HOLD


def _because(desired: int, bound: list[Clamp]) -> Rule | None:
    """The last rule that came to the number."""
    return next((each.rule for each in reversed(bound) if each.after == desired), None)
