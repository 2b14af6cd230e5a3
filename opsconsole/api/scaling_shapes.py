"""Scaling policies and decisions as the API returns them and takes them."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

from django.db.models import QuerySet

from opsconsole import models
from opsconsole.scaling import checks, words
from pmscoring.base.api.representations import Links, MaybeMoment, Moment, Page, moment

OPS = "/api/v1/ops"
Count = Annotated[int, {"minimum": 1, "maximum": 99}]
Seconds = Annotated[int, {"minimum": 0, "maximum": checks.LONGEST}]
FALLBACK = {
    "type": "object",
    "properties": {
        "after": {"type": "integer", "minimum": 0, "maximum": checks.MOST_AFTER},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["after", "replicas"],
    "additionalProperties": False,
}
METRICS = {
    "minItems": 1,
    "maxItems": checks.MOST_METRICS,
    "items": {
        "type": "object",
        "properties": {
            "kind": {"enum": ["cpu", "waiting", "oldest", "requests", "latency", "query"]},
            "target": {"type": "number", "exclusiveMinimum": 0},
            "basis": {"enum": ["total", "average"]},
            "query": {"type": "string", "maxLength": checks.LONGEST_QUERY},
            "fallback": FALLBACK,
        },
        "required": ["kind", "target", "basis"],
        "additionalProperties": False,
    },
}
RATES = {
    "maxItems": checks.MOST_RATES,
    "items": {
        "type": "object",
        "properties": {
            "unit": {"enum": ["replicas", "percent"]},
            "value": {"type": "integer", "minimum": 1, "maximum": checks.MOST_VALUE},
            "seconds": {"type": "integer", "minimum": 1, "maximum": checks.LONGEST},
        },
        "required": ["unit", "value", "seconds"],
        "additionalProperties": False,
    },
}
Metrics = Annotated[list[dict[str, Any]], METRICS]
Rates = Annotated[list[dict[str, Any]], RATES]


class ChangedPolicy(TypedDict, total=False):
    """What is changed of a scaling policy; members that are left out stay as they are.

    Windows, warm-up and cooldown are in seconds. A metric's target is a share of the limit (cpu),
    answers (waiting), seconds (oldest), requests a second, milliseconds (latency), or what the
    expression of a query says; `basis` is whether the measured value is that of all replicas
    together (total) or of one (average).
    """

    dry_run: bool
    least: Count
    most: Count
    metrics: Metrics
    tolerance: Annotated[float, {"minimum": 0, "maximum": 0.9}]
    behaviour: Literal["behavior", "plain"]
    up_window: Seconds
    down_window: Seconds
    up_rates: Rates
    down_rates: Rates
    warm_up: Seconds
    cooldown: Seconds


class NewPolicy(ChangedPolicy):
    """The scaling policy of a service that has none in this environment.

    Members that are left out are as usual: a policy begins in dry run, with metrics of its service.
    """

    environment: Annotated[str, {"maxLength": 30}]
    service: Annotated[str, {"maxLength": 100}]


class Pause(TypedDict):
    """Until when a policy decides and does nothing, and why."""

    until: Annotated[str, {"format": "date-time"}]
    why: Annotated[str, {"minLength": 1, "maxLength": 200}]


class Policy(TypedDict):
    """How many replicas a service has: within which bounds, and by what they are decided.

    `startup_seconds` was measured. `holds_since` is since when missing data, missing room, or
    changes that come to nothing, keep it from what is wanted.
    """

    id: int
    environment: str
    service: str
    dry_run: bool
    least: int
    most: int
    metrics: list[dict[str, Any]]
    tolerance: float
    behaviour: str
    up_window: int
    down_window: int
    up_rates: list[dict[str, Any]]
    down_rates: list[dict[str, Any]]
    warm_up: int
    cooldown: int
    paused_until: MaybeMoment
    paused_by: str
    paused_why: str
    startup_seconds: float | None
    decided_at: MaybeMoment
    holds_since: MaybeMoment
    links: Links


class PolicyPage(Page):
    """Scaling policies."""

    results: list[Policy]


class DecisionInput(TypedDict):
    """A metric as the decision saw it; `wants` is its number of replicas, null where it failed.

    `trouble` is a code for why, with what it is about behind a colon; or what an engine said.
    """

    key: str
    target: float
    basis: str
    value: float | None
    wants: int | None
    trouble: str


class DecisionClamp(TypedDict):
    """A rule that changed the number, or kept it; `until` is when it lets go."""

    rule: str
    before: int
    after: int
    until: MaybeMoment
    says: NotRequired[str]


class Decision(TypedDict):
    """What a policy decided at one time, from what, and what came of it.

    `reason` is the rule that decided, in the language of the request; `came` is how many replicas
    were ready in the end.
    """

    id: int
    environment: str
    service: str
    at: Moment
    current: int
    recommended: int
    desired: int
    action: str
    because: str
    reason: str
    inputs: list[DecisionInput]
    clamps: list[DecisionClamp]
    outcome: str
    says: str
    came: int | None
    came_at: MaybeMoment
    links: Links


class DecisionPage(Page):
    """Decisions, newest first."""

    results: list[Decision]


def policies() -> "QuerySet[models.ScalingPolicy]":
    """Policies with what their representation needs."""
    return models.ScalingPolicy.objects.select_related("environment")


def policy(row: models.ScalingPolicy) -> Policy:
    paused = row.is_paused()
    return {
        "id": row.pk,
        "environment": row.environment.code,
        "service": row.service,
        "dry_run": row.dry_run,
        "least": row.least,
        "most": row.most,
        "metrics": row.metrics,
        "tolerance": row.tolerance,
        "behaviour": row.behaviour,
        "up_window": row.up_window,
        "down_window": row.down_window,
        "up_rates": row.up_rates,
        "down_rates": row.down_rates,
        "warm_up": row.warm_up,
        "cooldown": row.cooldown,
        "paused_until": moment(row.paused_until) if paused and row.paused_until else None,
        "paused_by": row.paused_by if paused else "",
        "paused_why": row.paused_why if paused else "",
        "startup_seconds": row.startup_seconds,
        "decided_at": moment(row.decided_at) if row.decided_at else None,
        "holds_since": moment(row.held_since) if row.held_since else None,
        "links": {"self": f"{OPS}/policies/{row.pk}"},
    }


def decisions() -> "QuerySet[models.ScalingDecision]":
    """Decisions with what their representation needs."""
    return models.ScalingDecision.objects.select_related("policy__environment")


def decision(row: models.ScalingDecision) -> Decision:
    return {
        "id": row.pk,
        "environment": row.policy.environment.code,
        "service": row.policy.service,
        "at": moment(row.at),
        "current": row.current,
        "recommended": row.recommended,
        "desired": row.desired,
        "action": row.action,
        "because": row.because,
        "reason": words.reason(row.document()),
        "inputs": cast(list[DecisionInput], row.inputs),
        "clamps": cast(list[DecisionClamp], row.clamps),
        "outcome": row.outcome,
        "says": row.says,
        "came": row.came,
        "came_at": moment(row.came_at) if row.came_at else None,
        "links": {"self": f"{OPS}/decisions/{row.pk}"},
    }
