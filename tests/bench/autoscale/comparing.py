"""A scenario under each control, and what came of it beside the oracle's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from opsconsole.scaling.shapes import Behaviour
from tests.bench.autoscale.oracle import Plan, Problem, plan
from tests.bench.autoscale.policies import hpa, ours
from tests.bench.autoscale.rivals import Fixed, Planned, Ruled, Steps
from tests.bench.autoscale.scenarios import Scenario
from tests.bench.autoscale.service import Control, Outcome, Service

Row = dict[str, Any]
OURS, WITHOUT_CALENDAR = "ours", "ours, no calendar"
STEPS, PLAIN, BEHAVIOR = "design document", "HPA plain", "HPA behavior"
ORACLE, SURPRISED, MOST = "oracle", "oracle from the bell", "always the most"
SPEEDS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of a replica's capacity that oracles plan with."""
NEARLY = 1.05
"""The oracle is the cheapest plan with no more late answers than so many times the fewest."""
FEW = 0.0005
"""Or with so many of all answers late, where nearly none need be."""


@dataclass(frozen=True)
class Drawn:
    """A scenario and what one seed has made of it."""

    scenario: Scenario
    seed: int

    @cached_property
    def items(self) -> tuple[list[float], list[float]]:
        """Arrivals, and the work of each."""
        return self.scenario.drawn(self.seed)

    def run(self, control: Control, start_with: int = 0) -> Outcome:
        """What came of it."""
        scenario = self.scenario
        service = Service(
            scenario.spec,
            *self.items,
            start_with=start_with or scenario.begin,
            outages=scenario.outages,
            crashes=scenario.crashes,
        )
        return service.run(control, scenario.seconds)

    def plan(self, speed: float, late_costs: float, allowed: Sequence[int] = ()) -> Plan:
        """An oracle's."""
        scenario, steps = self.scenario, round(self.scenario.seconds / self.scenario.step)
        usable = [1.0] * steps
        for at, share in scenario.crashes:
            first = int(at / scenario.step)
            last = int((at + scenario.spec.startup) / scenario.step) + 1
            usable[first:last] = [1.0 - share] * (last - first)
        problem = Problem(scenario.spec, scenario.step, *self.items, steps, speed, usable, allowed)
        return plan(problem, late_costs)

    def planned(self, plan: Plan) -> Outcome:
        """A plan, run."""
        asked = plan.asked(self.scenario.spec, self.scenario.step)
        return self.run(Planned(asked, self.scenario.step), start_with=asked[0])


def controls(scenario: Scenario) -> Iterator[tuple[str, Callable[[], Control]]]:
    """Those that do not know what comes, by name."""
    service, spec = scenario.service, scenario.spec
    floors = [window.floor(spec.startup) for window in scenario.windows]
    policy = ours(service, spec)
    yield OURS, lambda: Ruled(policy, floors)
    if floors:
        yield WITHOUT_CALENDAR, lambda: Ruled(policy)
    yield BEHAVIOR, lambda: Ruled(hpa(service, spec, Behaviour.BEHAVIOR))
    yield PLAIN, lambda: Ruled(hpa(service, spec, Behaviour.PLAIN))
    yield STEPS, Steps
    yield MOST, lambda: Fixed(spec.most)


def oracle(drawn: Drawn, allowed: Sequence[int] = ()) -> tuple[Outcome, Plan]:
    """The best of the plans when they are run, and the fluid's bound."""
    plans = [drawn.plan(speed, 1e6, allowed) for speed in SPEEDS]
    outcomes = [drawn.planned(each) for each in plans]
    fewest = min(outcome.late for outcome in outcomes)
    enough = max(fewest * NEARLY, FEW * len(drawn.items[0]))
    good = [outcome for outcome in outcomes if outcome.late <= enough]
    return min(good, key=lambda outcome: outcome.replica_hours), plans[0]


def surprised(drawn: Drawn) -> Outcome:
    """An oracle that may ask for no more before the bell than what comes until then needs."""
    scenario = drawn.scenario
    allowed = [scenario.spec.most] * round(scenario.seconds / scenario.step)
    before = drawn.plan(0.8, 1e6).serving
    for window in scenario.windows:
        bell = round(window.start / scenario.step)
        quiet = round((window.start - 120) / scenario.step)
        first = round((window.start + scenario.spec.startup) / scenario.step)
        allowed[quiet:first] = [max(before[:quiet][-24:])] * (first - quiet)
        assert bell < first
    return oracle(drawn, allowed)[0]


def compared(drawn: Drawn) -> list[Row]:
    """A row for each control, with the ratios to the oracle's figures."""
    best, fluid = oracle(drawn)
    rows = [row_of(drawn, ORACLE, best)]
    rows[0] |= {"fluid_late": round(fluid.late), "fluid_hours": round(fluid.hours, 3)}
    if drawn.scenario.windows and drawn.scenario.seconds < 10_000:
        rows.append(row_of(drawn, SURPRISED, surprised(drawn)))
    rows += [row_of(drawn, name, drawn.run(make())) for name, make in controls(drawn.scenario)]
    return rows


def row_of(drawn: Drawn, name: str, outcome: Outcome) -> Row:
    """The figures of one run."""
    return {
        "scenario": drawn.scenario.name,
        "seed": drawn.seed,
        "control": name,
        "arrived": outcome.arrived,
        "late": outcome.late,
        "lost": outcome.lost,
        "again": outcome.again,
        "replica_hours": outcome.replica_hours,
        "changes": outcome.changes,
        "response": outcome.response,
    }
