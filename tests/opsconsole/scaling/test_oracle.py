"""The oracle of `make bench-autoscale` against every plan that there is, where those are few."""

from collections.abc import Sequence
from itertools import product

import pytest

from tests.bench.autoscale.oracle import Plan, Problem, plan
from tests.bench.autoscale.service import Spec

SPEC = Spec(slots=1, startup=2.0, least=1, most=3, late_after=1.0)
LATE = 100.0
ARRIVALS = {
    "a burst": [1, 1, 9, 1, 1, 1, 1],
    "two bursts": [0, 8, 0, 0, 0, 7, 1],
    "more than all can do": [2, 12, 12, 2, 0, 0, 0],
    "nothing": [0] * 7,
}
"""How many arrive in the middle of each step of a second, half a second of work each."""


def problem(counts: Sequence[int], **known: Sequence[float]) -> Problem:
    arrivals = [step + 0.5 for step, count in enumerate(counts) for _ in range(count)]
    usable, allowed = known.get("usable", ()), [int(n) for n in known.get("allowed", ())]
    works = [0.5] * len(arrivals)
    return Problem(SPEC, 1.0, arrivals, works, len(counts), 1.0, usable, allowed)


def late_in(counts: Sequence[int], serving: Sequence[int]) -> int:
    """Counted one by one: two are done by each replica in a step, and who waits longer is late."""
    queue: list[int] = []
    late = 0
    for step, (count, replicas) in enumerate(zip(counts, serving, strict=True)):
        queue += [step] * count
        del queue[: 2 * replicas]
        late += sum(came == step - 1 for came in queue)
    return late


def cost(counts: Sequence[int], serving: Sequence[int]) -> float:
    started = [max(b - a, 0) for a, b in zip([SPEC.least, *serving], serving, strict=False)]
    return sum(serving) + SPEC.startup * sum(started) + LATE * late_in(counts, serving)


@pytest.mark.parametrize("counts", ARRIVALS.values(), ids=ARRIVALS)
def test_no_plan_is_cheaper_than_the_oracle_s(counts: list[int]) -> None:
    found = plan(problem(counts), late_costs=LATE)
    assert found.late == late_in(counts, found.serving)
    # What waits at the end costs as if it were late, so that nobody saves by leaving it.
    quiet = [*counts, 0, 0, 0]
    plans = product((1, 2, 3), repeat=len(counts))
    cheapest = min(cost(quiet, [*each, 3, 3, 3]) for each in plans if _done(counts, each))
    assert cost(quiet, [*found.serving, 3, 3, 3]) == cheapest


def _done(counts: Sequence[int], serving: Sequence[int]) -> bool:
    waiting = 0
    for count, replicas in zip(counts, serving, strict=True):
        waiting = max(0, waiting + count - 2 * replicas)
    return waiting == 0


def test_it_asks_for_a_replica_the_start_up_time_before_it_serves() -> None:
    assert Plan([1, 1, 1, 3, 1, 1], 0, 0).asked(SPEC, 1.0) == [1, 3, 3, 3, 1, 1]


def test_it_plans_with_no_more_than_may_be_there() -> None:
    counts = ARRIVALS["a burst"]
    found = plan(problem(counts, allowed=[1, 1, 1, 2, 3, 3, 3]), late_costs=LATE)
    assert found.serving[:3] == [1, 1, 1]
    assert found.serving[3] == 2
    assert found.late > plan(problem(counts), late_costs=LATE).late


def test_it_makes_up_for_replicas_that_will_crash() -> None:
    counts = [4, 4, 4, 4, 4, 4, 4]
    found = plan(problem(counts, usable=[1, 1, 1, 2 / 3, 1, 1, 1]), late_costs=LATE)
    assert found.serving[3] == 3
    assert found.late == 0
