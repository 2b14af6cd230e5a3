"""Who decides in the simulator: fixed numbers, the design document's rule, and policies."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from opsconsole.scaling.course import Course
from opsconsole.scaling.shapes import Floor, Policy
from tests.bench.autoscale.service import Service

TICK = 15.0


@dataclass
class Fixed:
    """The same number all the time."""

    replicas: int
    period: float = 3600.0
    eager: bool = False

    def wanted(self, service: Service) -> int:
        """That number."""
        return self.replicas


@dataclass
class Planned:
    """Numbers that were made before, one for each `period`."""

    numbers: Sequence[int]
    period: float
    eager: bool = False

    def wanted(self, service: Service) -> int:
        """The number of this period, at the end the last one."""
        return self.numbers[min(round(service.now / self.period), len(self.numbers) - 1)]


@dataclass
class OnOff:
    """A server for each job and no other; kept for `idle` seconds after it was needed last.

    The first `begin` of them are there in the beginning, and count as needed then.
    """

    idle: float = 0.0
    begin: int = 0
    period: float = 3600.0
    eager: bool = True
    _highest: deque[tuple[float, int]] = field(default_factory=deque)

    def wanted(self, service: Service) -> int:
        """The most jobs that there were at once within the last `idle` seconds."""
        if service.now == 0.0:
            self._highest.append((0.0, self.begin))
            return self.begin
        jobs = len(service.queue) + service.in_service
        while self._highest and self._highest[-1][1] <= jobs:
            self._highest.pop()
        self._highest.append((service.now, jobs))
        while self._highest[0][0] < service.now - self.idle:
            self._highest.popleft()
        return self._highest[0][1]


@dataclass
class Steps:
    """The design document's rule: one more above 80 % of CPU, one fewer beneath 20 %.

    As it is written there, what cannot be measured counts as 0.
    """

    period: float = 30.0
    eager: bool = False

    def wanted(self, service: Service) -> int:
        """The number that is there, or one beside it."""
        shares = [seen.cpu or 0.0 for seen in service.sample().replicas if seen.ready]
        share = sum(shares) / len(shares) if shares else 0.0
        return service.asked + (share > 0.8) - (share < 0.2)


class Ruled:
    """A policy, through the product's own decision, with the history that it has made."""

    period = TICK
    eager = False

    def __init__(self, policy: Policy, floors: Sequence[Floor] = ()) -> None:
        self.course = Course(policy, lambda at: floors)

    def wanted(self, service: Service) -> int:
        """What the decision says."""
        return self.course.decide(service.sample()).desired
