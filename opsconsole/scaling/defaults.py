"""The policies that an environment has from its first minutes on: in dry run, so that there are
charts before anybody dares.

They are made once. Whoever deletes one does not get it again; the event that was left when they
were made is looked for, and not the policies. Two workers at once: each first locks the
installation's row, and the second one then sees the event of the first.
"""

from typing import Any

from django.db import transaction

from opsconsole.environments import bounds
from opsconsole.models import Environment, Event, Installation, ScalingPolicy

CHANGE = "defaults"
WEB: dict[str, Any] = {
    "service": "web",
    "most": 4,
    "metrics": [
        {"kind": "requests", "target": 20.0, "basis": "total"},
        {"kind": "latency", "target": 1000.0, "basis": "average"},
        {"kind": "cpu", "target": 0.8, "basis": "average"},
    ],
}
WORKER: dict[str, Any] = {
    "service": "worker",
    "most": 4,
    "metrics": [
        {"kind": "waiting", "target": 200.0, "basis": "total"},
        {"kind": "oldest", "target": 60.0, "basis": "average"},
    ],
}
EMBEDDED_MOST = 2
"""Of workers that the smallest machine without Docker can have; it has one web server alone."""


def usual(environment: Environment, service: str) -> ScalingPolicy:
    """The policy with which one begins for a service; not saved, and in dry run."""
    known = {rules["service"]: rules for rules in (WEB, WORKER)}
    rules = {"most": 4, "metrics": WORKER["metrics"]} | known.get(service, {})
    rules["most"] = min(rules["most"], bounds.most(service, environment.engine))
    return ScalingPolicy(**rules | {"environment": environment, "service": service})


def make_missing() -> None:
    """Make them for each environment that runs and never had them."""
    for environment in Environment.objects.laid_out():
        if not _had(environment):
            _make(environment)


def _had(environment: Environment) -> bool:
    about = {"object_type": "environment", "object_id": str(environment.pk)}
    return Event.objects.filter(deed="policy.changed", details__change=CHANGE, **about).exists()


def _make(environment: Environment) -> None:
    with transaction.atomic():
        Installation.objects.locked()
        if _had(environment):
            return
        made = [policy for policy in _policies(environment) if _made(environment, policy)]
        services = [policy["service"] for policy in made]
        Event.objects.record("policy.changed", environment, change=CHANGE, services=services)


def _policies(environment: Environment) -> list[dict[str, Any]]:
    if environment.engine == Environment.Engine.EMBEDDED:
        return [{**WORKER, "most": EMBEDDED_MOST}]
    return [WEB, WORKER]


def _made(environment: Environment, policy: dict[str, Any]) -> bool:
    """Unless somebody has made one for the service before."""
    wanted = {"environment": environment, "service": policy["service"]}
    _row, is_new = ScalingPolicy.objects.get_or_create(**wanted, defaults=policy)
    return is_new
