"""What a scaling decision is made from, and what it says: plain values, no model, no clock. Pure.

Numbers: seconds, milliseconds, cores and bytes as the names say; shares are 0 to 1. A value that is
not known is None with its trouble (troubles.py), and never 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What is measured."""

    CPU = "cpu"
    """Of each replica, the share of its limit; the target is such a share."""
    WAITING = "waiting"
    """Answers that wait for the machine or are being scored."""
    OLDEST = "oldest"
    """Seconds for which the oldest of them has waited."""
    REQUESTS = "requests"
    """A second, through HAProxy."""
    LATENCY = "latency"
    """Milliseconds within which 95 of 100 requests through HAProxy were answered."""
    QUERY = "query"
    """What Prometheus answers to an expression."""


class Basis(StrEnum):
    """What the measured value is, so that no average is divided by the replicas once more."""

    TOTAL = "total"
    """Of all replicas together: so many replicas are wanted as targets fit into it."""
    AVERAGE = "average"
    """Of one replica, or the same whoever is asked: replicas change by its ratio to the target."""


class Behaviour(StrEnum):
    """Which of the two forms of Kubernetes' HorizontalPodAutoscaler bounds a change."""

    BEHAVIOR = "behavior"
    """Windows and rates of the policy, in both directions."""
    PLAIN = "plain"
    """At most twice the replicas, or 4, at once; down to the highest number of a window."""


@dataclass(frozen=True)
class Fallback:
    """So many replicas at least once a metric has failed more than `after` times running."""

    after: int
    replicas: int


@dataclass(frozen=True)
class Metric:
    """A measured value and its target. `key` names it in samples, inputs and failures."""

    kind: Kind
    target: float
    basis: Basis
    query: str = ""
    fallback: Fallback | None = None

    @property
    def key(self) -> str:
        """The kind; of an expression, the expression with it."""
        return f"{self.kind}:{self.query}" if self.kind is Kind.QUERY else str(self.kind)


class Unit(StrEnum):
    """What a rate counts."""

    REPLICAS = "replicas"
    PERCENT = "percent"


@dataclass(frozen=True)
class Rate:
    """At most so many replicas, or percent of them, within so many seconds."""

    unit: Unit
    value: int
    seconds: int


@dataclass(frozen=True)
class Policy:
    """The rules for one service. Windows, warm-up and cooldown in seconds."""

    service: str
    least: int
    most: int
    metrics: Sequence[Metric]
    tolerance: float = 0.1
    behaviour: Behaviour = Behaviour.BEHAVIOR
    up_window: int = 0
    down_window: int = 300
    up_rates: Sequence[Rate] = (Rate(Unit.PERCENT, 100, 15), Rate(Unit.REPLICAS, 4, 15))
    down_rates: Sequence[Rate] = (Rate(Unit.PERCENT, 100, 15),)
    """Of several rates, the one that allows the larger change holds."""
    warm_up: int = 30
    """For so long after its start the CPU of a replica says nothing, unless it was ready before."""
    cooldown: int = 60
    """For so long after a deployment or a change by hand nothing is changed."""

    @property
    def queries(self) -> Sequence[str]:
        """The expressions that it asks Prometheus for."""
        return [metric.query for metric in self.metrics if metric.kind is Kind.QUERY]


@dataclass(frozen=True)
class Seen:
    """One replica in a sample. `cpu` is the share of its limit that it uses."""

    name: str
    ready: bool
    age: float | None = None
    """Seconds since it was started."""
    cpu: float | None = None
    throttled: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Reading:
    """A measured value, or why there is none. Empty, NaN, infinite and several values are none."""

    value: float | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Room:
    """What is there for more replicas; None where it is not known, which bounds nothing."""

    memory_free: int | None = None
    """Bytes that the machine could give."""
    memory_each: int | None = None
    """Bytes that one replica may take."""
    connections_free: int | None = None
    """To the database, less the reserve."""
    connections_each: int | None = None
    """That one replica may take."""
    saturated: str = ""
    """The service behind this one that has no room, so that more replicas would not help."""


@dataclass(frozen=True)
class Sample:
    """What was seen of a service at one time. `readings` are by the key of the metric.

    `wanted` is the number that was asked for last, which may not be there yet. While a deployment
    is under way `replicas` has surge replicas too.
    """

    at: datetime
    service: str
    wanted: int
    replicas: Sequence[Seen] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    room: Room = Room()
    totals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Running totals by what they are of, from which the next sample computes rates."""


class By(StrEnum):
    """Who changed the number of replicas."""

    POLICY = "policy"
    PERSON = "person"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True)
class Change:
    """An earlier change of the number of replicas."""

    at: datetime
    before: int
    after: int
    by: By = By.POLICY


@dataclass(frozen=True)
class Floor:
    """Least replicas in an interval; `prepare_at` is when they must be asked for to be ready."""

    name: str
    starts_at: datetime
    ends_at: datetime
    replicas: int
    prepare_at: datetime


@dataclass(frozen=True)
class History:
    """What was before. Recommendations and changes: the oldest first, as far back as windows go.

    `failures` counts how often each metric has failed in a row, by its key, the present sample not
    included. `by_hand_until` is the end of a number that a person has set for a time.
    """

    recommendations: Sequence[tuple[datetime, int]] = ()
    changes: Sequence[Change] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    deploying: bool = False
    deployed_at: datetime | None = None
    by_hand_until: datetime | None = None
    floors: Sequence[Floor] = ()


class Action(StrEnum):
    """What follows."""

    UP = "up"
    DOWN = "down"
    STAY = "stay"
    """All is known, and nothing need be changed."""
    HOLD = "hold"
    """Something is not known, or a rule forbids what the metrics want."""


@dataclass(frozen=True)
class Input:
    """A metric as the decision saw it; `wants` is its number of replicas, None where it failed."""

    key: str
    target: float
    basis: Basis
    value: float | None = None
    wants: int | None = None
    trouble: str = ""


class Rule(StrEnum):
    """What changed, or kept, the wanted number."""

    TOLERANCE = "tolerance"
    MISSING = "missing"
    FALLBACK = "fallback"
    LEAST = "least"
    MOST = "most"
    UP_WINDOW = "up_window"
    DOWN_WINDOW = "down_window"
    UP_RATE = "up_rate"
    DOWN_RATE = "down_rate"
    CALENDAR = "calendar"
    DEPLOYING = "deploying"
    COOLDOWN = "cooldown"
    BY_HAND = "by_hand"
    PAUSED = "paused"
    MEMORY = "memory"
    CONNECTIONS = "connections"
    SATURATED = "saturated"


@dataclass(frozen=True)
class Clamp:
    """A rule that changed a number of replicas; `until` is when it lets go, where that is known.

    `says` is what the rule is about, which is not translated: the name of a window or a service.
    """

    rule: Rule
    before: int
    after: int
    until: datetime | None = None
    says: str = ""


@dataclass(frozen=True)
class Decision:
    """What is to be done, and all that led to it.

    `recommended` is what the metrics alone want, before any rule but tolerance; not less than now
    where one failed, and while a deployment is under way what was recommended before. History has
    it as the recommendation of this time. `because` is the rule that decided, None where none did.
    """

    at: datetime
    service: str
    current: int
    recommended: int
    desired: int
    action: Action
    because: Rule | None = None
    inputs: Sequence[Input] = ()
    clamps: Sequence[Clamp] = ()
