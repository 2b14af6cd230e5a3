"""A policy decided again and again, with the history that its own decisions make. Pure."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from opsconsole.scaling.decide import decide
from opsconsole.scaling.shapes import Change, Decision, Floor, History, Policy, Sample

Floors = Callable[[datetime], Sequence[Floor]]
"""The floors of the calendar, as they are seen at a time."""


def no_floors(at: datetime) -> Sequence[Floor]:
    """Without a calendar."""
    return ()


class Course:
    """Decisions of one policy over samples that ascend in time."""

    def __init__(self, policy: Policy, floors: Floors = no_floors) -> None:
        self.policy, self.floors = policy, floors
        self._kept = timedelta(seconds=_longest(policy))
        self._recommendations: deque[tuple[datetime, int]] = deque()
        self._changes: deque[Change] = deque()
        self._failures = dict.fromkeys((metric.key for metric in policy.metrics), 0)

    def decide(self, sample: Sample) -> Decision:
        """The next decision, which the later ones know of."""
        history = History(
            recommendations=tuple(self._recommendations),
            changes=tuple(self._changes),
            failures=dict(self._failures),
            floors=self.floors(sample.at),
        )
        decision = decide(self.policy, sample, history, sample.at)
        self._remember(decision)
        return decision

    def _remember(self, decision: Decision) -> None:
        at = decision.at
        self._recommendations.append((at, decision.recommended))
        if decision.desired != decision.current:
            self._changes.append(Change(at, decision.current, decision.desired))
        while self._recommendations[0][0] < at - self._kept:
            self._recommendations.popleft()
        while self._changes and self._changes[0].at < at - self._kept:
            self._changes.popleft()
        for each in decision.inputs:
            self._failures[each.key] = self._failures[each.key] + 1 if each.wants is None else 0


def _longest(policy: Policy) -> int:
    """Seconds for which anything of the past matters."""
    rates = (*policy.up_rates, *policy.down_rates)
    windows = (policy.up_window, policy.down_window, policy.cooldown)
    return max(*windows, *(rate.seconds for rate in rates), 0) + 60
