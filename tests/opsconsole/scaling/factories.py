"""Policies, samples and decisions as rows, for tests of what is shown and counted of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import now

from opsconsole.models import Environment, ScalingDecision, ScalingPolicy, ScalingSample
from tests.opsconsole.environments_made import environment

TICK = timedelta(seconds=15)
REQUESTS = {"kind": "requests", "target": 10.0, "basis": "total"}
LATENCY = {"kind": "latency", "target": 500.0, "basis": "average"}
WAITING = {"kind": "waiting", "target": 20.0, "basis": "total"}


def policy(service: str = "web", of: Environment | None = None, **changes: Any) -> ScalingPolicy:
    """One to four replicas by requests a second, at work and not only in dry run."""
    wanted: dict[str, Any] = {
        "environment": of or Environment.objects.first() or environment(),
        "service": service,
        "dry_run": False,
        "metrics": [WAITING if service == "worker" else REQUESTS],
        "up_rates": [
            {"unit": "percent", "value": 100, "seconds": 15},
            {"unit": "replicas", "value": 4, "seconds": 15},
        ],
        "down_rates": [{"unit": "percent", "value": 100, "seconds": 15}],
        "decided_at": now(),
    }
    return ScalingPolicy.objects.create(**wanted | changes)


def decision(of: ScalingPolicy, at: datetime | None = None, **changes: Any) -> ScalingDecision:
    """One that changed nothing: 20 requests a second for two replicas."""
    return ScalingDecision.objects.create(**_decided(of, at or now(), **changes))


def sample(
    of: ScalingPolicy,
    at: datetime | None = None,
    ready: int = 2,
    requests: float = 20.0,
    **changes: Any,
) -> ScalingSample:
    """What was seen of the policy's service."""
    return ScalingSample.objects.create(
        **_seen(of, at or now(), ready=ready, requests=requests, **changes)
    )


def input_of(metric: dict[str, Any], value: float | None, wants: int | None = None) -> Any:
    """A metric as a decision saw it; without a value, the metric failed."""
    known: dict[str, Any] = {"value": value, "wants": wants, "trouble": ""}
    if value is None:
        known["trouble"] = "HAProxy does not answer"
    keys = {name: metric[name] for name in ("target", "basis")}
    return {"key": str(metric["kind"]), **keys, **known}


def clamp(rule: str, before: int, after: int, **changes: Any) -> dict[str, Any]:
    """A rule that bound the number."""
    return {"rule": rule, "before": before, "after": after, "until": None, "says": "", **changes}


def a_day(
    of: ScalingPolicy,
    loads: Sequence[float] = (8, 8, 18, 36, 38, 30, 18, 9),
    end: datetime | None = None,
    span: timedelta = timedelta(hours=23, minutes=50),
    every: timedelta = timedelta(minutes=5),
) -> None:
    """Samples and decisions until now, of a load that goes evenly from each number to the next."""
    end = end or now()
    steps = int(span / every)
    samples, decisions, current = [], [], 1
    for step in range(steps + 1):
        at = end - span + step * every
        load = _between(loads, step / steps)
        desired = min(max(-(-int(load) // 10), of.least), of.most)
        action = "up" if desired > current else "down" if desired < current else "stay"
        seen = input_of(REQUESTS, round(load, 2), desired)
        rows = {"current": current, "recommended": desired, "desired": desired, "inputs": [seen]}
        came = {} if action == "stay" else {"outcome": "done", "came": desired}
        decisions.append(ScalingDecision(**_decided(of, at, action=action, **rows, **came)))
        samples.append(ScalingSample(**_seen(of, at, ready=current, requests=load)))
        current = desired
    ScalingSample.objects.bulk_create(samples)
    ScalingDecision.objects.bulk_create(decisions)


def _between(loads: Sequence[float], share: float) -> float:
    place = share * (len(loads) - 1)
    index = min(int(place), len(loads) - 2)
    return loads[index] + (loads[index + 1] - loads[index]) * (place - index)


def _decided(of: ScalingPolicy, at: datetime, **changes: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "policy": of,
        "at": at,
        "current": 2,
        "recommended": 2,
        "desired": 2,
        "action": "stay",
        "inputs": [input_of(of.metrics[0], 20.0, 2)] if of.metrics else [],
        "clamps": [],
    }
    return wanted | changes


def _seen(
    of: ScalingPolicy, at: datetime, ready: int = 2, requests: float = 20.0, **changes: Any
) -> dict[str, Any]:
    replicas = [
        {"name": f"pms-{of.service}-{number}", "ready": True, "age": 3600.0, "cpu": 0.3}
        for number in range(1, ready + 1)
    ]
    readings = {"requests": requests, "latency": 80.0, "waiting": requests, "oldest": 3.0}
    content = {"wanted": ready, "replicas": replicas, "readings": readings}
    return {
        "environment": of.environment,
        "service": of.service,
        "at": at,
        "content": content | changes,
    }
