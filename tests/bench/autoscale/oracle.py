"""The oracle: who knows all arrivals, and takes the fewest replica-hours for the fewest late ones.

Dynamic programming over steps of time, replicas that serve, and work that waits. Within a step the
service is a fluid: n replicas do n x step x slots seconds of work, first come first served, and
what arrived `late_after` ago and is not begun is late. A replica costs from when it is asked for,
so each one more costs the start-up time beside the time for which it serves.

The fluid's figures bound what can be had from below, but for rounding. A plan without any slack
makes requests wait where arrivals and works are random, so plans are made for less than the whole
speed too, all are run in the simulator, and the best of those is what policies are measured by. It
is no bound: chance within a step is not planned for, and more replicas may have fewer late answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.bench.autoscale.service import Spec

PARTS = 2
"""Into so many parts the work that a replica does in a step is divided: the unit of the table."""
LATE = 1e6
"""Seconds of a replica that a late answer is worth: more than all of them together."""


@dataclass(frozen=True)
class Problem:
    """What the oracle knows: per step the work that arrives, and what is there to do it.

    `speed` is the share of its capacity that a replica may be planned with, `usable` the share of
    all replicas that works in a step, `allowed` the most that may serve in it.
    """

    spec: Spec
    step: float
    arrivals: Sequence[float]
    works: Sequence[float]
    steps: int
    speed: float = 1.0
    usable: Sequence[float] = ()
    allowed: Sequence[int] = ()


@dataclass(frozen=True)
class Plan:
    """Replicas that serve in each step; `late` and `hours` are the fluid's."""

    serving: list[int]
    late: float
    hours: float

    def asked(self, spec: Spec, step: float) -> list[int]:
        """The number to ask for at each step, the start-up time ahead."""
        ahead = round(spec.startup / step)
        return [max(self.serving[at : at + ahead + 1]) for at in range(len(self.serving))]


def plan(problem: Problem, late_costs: float = LATE) -> Plan:
    """The cheapest plan, where each late answer costs so many seconds of a replica."""
    table = _Table(problem, late_costs)
    return table.followed()


class _Table:
    """Costs to the end from each (replicas that served, units that wait), the last step first."""

    def __init__(self, problem: Problem, late_costs: float) -> None:
        spec, step = problem.spec, problem.step
        self.problem, self.late_costs = problem, late_costs
        self.unit = step * spec.slots * problem.speed / PARTS
        """Seconds of work."""
        self.numbers = np.arange(spec.least, spec.most + 1)
        works = np.asarray(problem.works)
        per_item = float(works.mean()) if len(works) else 1.0
        self.per_unit = self.unit / per_item
        """Items in a unit of work."""
        edges = np.arange(problem.steps + 1, dtype=np.float64) * step
        total = np.concatenate([[0.0], np.cumsum(works)])
        arrivals = np.asarray(problem.arrivals)
        self.arrived = _in_units(total, arrivals, edges, self.unit)
        self.due = _in_units(total, arrivals, edges - spec.late_after, self.unit)
        self.new = np.diff(self.arrived)
        usable = np.asarray(problem.usable or [1.0] * problem.steps)
        self.served = np.floor(PARTS * np.outer(usable, self.numbers)).astype(int)
        self.depth = self._depth()
        self.choices: list[NDArray[np.int8]] = []
        self._fill()

    def _depth(self) -> int:
        """More than the most replicas ever leave waiting if they serve all the time."""
        waiting = deepest = 0
        allowed = self._allowed()
        for at in range(self.problem.steps):
            column = np.flatnonzero(allowed[at])[-1]
            waiting = max(0, waiting + int(self.new[at]) - int(self.served[at][column]))
            deepest = max(deepest, waiting)
        return deepest + int(self.new.max(initial=0)) + 2 * PARTS

    def _allowed(self) -> NDArray[np.bool_]:
        most = self.problem.allowed or [self.problem.spec.most] * self.problem.steps
        allowed: NDArray[np.bool_] = self.numbers[None, :] <= np.asarray(most)[:, None]
        return allowed

    def _fill(self) -> None:
        rows = len(self.numbers)
        allowed = self._allowed()
        waiting = np.arange(self.depth + 1)
        rest = self.late_costs * self.per_unit * np.tile(waiting, (rows, 1))
        for at in reversed(range(self.problem.steps)):
            left = waiting[None, :] + self.new[at] - self.served[at][:, None]
            after = np.clip(left, 0, self.depth)
            costs = self._late(at, after) * self.late_costs
            costs += self.numbers[:, None] * self.problem.step
            costs += np.take_along_axis(rest, after, axis=1)
            costs[left > self.depth] = np.inf
            costs[~allowed[at]] = np.inf
            rest, choice = self._started(costs)
            self.choices.append(choice)
        self.choices.reverse()

    def _started(self, costs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """The best number from each number before: fewer are free, each one more is started."""
        fewer, more = costs.copy(), costs.copy()
        rows = np.arange(len(costs), dtype=np.int8)
        choice, started = (np.tile(rows[:, None], (1, costs.shape[1])) for _ in range(2))
        for row in rows[1:]:
            better = fewer[row - 1] < fewer[row]
            fewer[row] = np.where(better, fewer[row - 1], fewer[row])
            choice[row] = np.where(better, choice[row - 1], choice[row])
        for row in rows[-2::-1]:
            dearer = more[row + 1] + self.problem.spec.startup
            better = dearer < more[row]
            more[row] = np.where(better, dearer, more[row])
            started[row] = np.where(better, started[row + 1], started[row])
        return np.minimum(fewer, more), np.where(more < fewer, started, choice)

    def _late(self, at: int, after: NDArray[np.int64]) -> NDArray[np.float64]:
        """Items whose time ran out in the step while they still waited at its end."""
        done = self.arrived[at + 1] - after
        became_due = self.due[at + 1] - self.due[at]
        late = np.clip(self.due[at + 1] - done, 0, became_due)
        counted: NDArray[np.float64] = late * self.per_unit
        return counted

    def followed(self) -> Plan:
        """The plan from the first step on."""
        spec, step = self.problem.spec, self.problem.step
        row, waiting, late, seconds = 0, 0, 0.0, 0.0
        serving = []
        for at in range(self.problem.steps):
            chosen = int(self.choices[at][row, min(waiting, self.depth)])
            # Those of the first step were there before.
            started = max(int(self.numbers[chosen] - self.numbers[row]), 0) if at else 0
            seconds += started * spec.startup + int(self.numbers[chosen]) * step
            waiting = max(0, waiting + int(self.new[at]) - int(self.served[at][chosen]))
            late += float(self._late(at, np.asarray(waiting)))
            row = chosen
            serving.append(int(self.numbers[row]))
        return Plan(serving, late, seconds / 3600)


def _in_units(
    total: NDArray[np.float64],
    arrivals: NDArray[np.float64],
    edges: NDArray[np.float64],
    unit: float,
) -> NDArray[np.int64]:
    """Work that has arrived by each edge; rounding the sums lets no error grow."""
    units: NDArray[np.int64] = np.rint(total[np.searchsorted(arrivals, edges)] / unit).astype(int)
    return units
