"""Of environments: what was seen of them, their deployments and heals.

Counts are those of rows that are never deleted, of deployments and of events: a count that falls
would look like a restart of whoever counts, and the rest of it like an increase.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Count
from django.db.models.fields.json import KT
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from opsconsole.models import Deployment, Environment, Event

NAMES = {
    "pmscoring_environment_seen_timestamp_seconds",
    "pmscoring_engine_answers",
    "pmscoring_healer_timestamp_seconds",
    "pmscoring_scaling_replicas",
    "pmscoring_deployments_total",
    "pmscoring_deployment_seconds",
    "pmscoring_heals_total",
}
HEALS = {"heal.restarted": "restarted", "heal.failed": "failed", "heal.given_up": "given_up"}
"""Events, and the outcome that each is counted as."""


def collect() -> Iterator[Metric]:
    """The families of NAMES that have a sample."""
    environments = list(Environment.objects.laid_out())
    yield from _seen(environments)
    yield _replicas(environments)
    yield _deployments(environments)
    yield _seconds(environments)
    yield _heals(environments)


def _seen(environments: list[Environment]) -> Iterator[Metric]:
    seen = GaugeMetricFamily(
        "pmscoring_environment_seen_timestamp_seconds",
        "When the operations worker last saw what runs",
        labels=["environment"],
    )
    answers = GaugeMetricFamily(
        "pmscoring_engine_answers",
        "1 where the engine answered at the last look",
        labels=["environment"],
    )
    healer = GaugeMetricFamily(
        "pmscoring_healer_timestamp_seconds",
        "When the healer last looked for what is sick",
        labels=["environment"],
    )
    for each in environments:
        if each.seen_at:
            seen.add_metric([each.code], each.seen_at.timestamp())
        if each.seen_at or each.trouble:
            answers.add_metric([each.code], int(not each.trouble))
        if each.healer_at:
            healer.add_metric([each.code], each.healer_at.timestamp())
    yield from (seen, answers, healer)


def _replicas(environments: list[Environment]) -> Metric:
    """Of what was seen of late; what is older is not known."""
    family = GaugeMetricFamily(
        "pmscoring_scaling_replicas",
        "Replicas of a service that run",
        labels=["environment", "service"],
    )
    for each in environments:
        for service in _services(each) if each.is_known() and not each.trouble else ():
            running = [one for one in service["replicas"] if one["state"] == "running"]
            family.add_metric([each.code, service["name"]], len(running))
    return family


def _services(environment: Environment) -> list[dict[str, Any]]:
    services = environment.seen.get("services", [])
    return [service for service in services if not service.get("one_shot")]


def _deployments(environments: list[Environment]) -> Metric:
    family = CounterMetricFamily(
        "pmscoring_deployments",
        "Deployments that have ended, by their outcome",
        labels=["environment", "outcome"],
    )
    rows = Deployment.objects.filter(status__in=Deployment.ENDS).order_by()
    counts = {
        (environment, status): count
        for environment, status, count in rows.values_list("environment", "status").annotate(
            count=Count("pk")
        )
    }
    for each in environments:
        for outcome in Deployment.ENDS:
            family.add_metric([each.code, outcome], counts.get((each.pk, outcome), 0))
    return family


def _seconds(environments: list[Environment]) -> Metric:
    family = GaugeMetricFamily(
        "pmscoring_deployment_seconds",
        "How long the last deployment that is live took, in all (total) and in each state",
        labels=["environment", "state"],
    )
    for each in environments:
        live = each.deployments.filter(status=Deployment.Status.LIVE)
        if last := live.order_by("finished_at").last():
            for state, seconds in _by_state(last).items():
                family.add_metric([each.code, state], seconds)
    return family


def _by_state(deployment: Deployment) -> dict[str, float]:
    """By codes: the names of steps are in the language of whoever asked for the deployment."""
    seconds: dict[str, float] = defaultdict(float)
    for step in deployment.steps:
        if step.get("seconds") is not None:
            seconds[step.get("during", "unknown")] += step["seconds"]
    if deployment.seconds is not None:
        seconds["total"] = deployment.seconds
    return seconds


def _heals(environments: list[Environment]) -> Metric:
    """From 0 on for each service that was seen."""
    family = CounterMetricFamily(
        "pmscoring_heals",
        "What the healer did: replicas restarted, restarts failed, replicas given up",
        labels=["environment", "service", "outcome"],
    )
    rows = Event.objects.filter(deed__in=HEALS).order_by().annotate(service=KT("details__service"))
    counts: Counter[tuple[str, str, str]] = Counter()
    for key, service, deed, count in rows.values_list("object_id", "service", "deed").annotate(
        count=Count("number")
    ):
        counts[(key, service or "", deed)] = count
    for each in environments:
        key = str(each.pk)
        services = {service["name"] for service in _services(each)}
        services |= {service for known, service, _deed in counts if known == key}
        for service in sorted(services):
            for deed, outcome in HEALS.items():
                family.add_metric([each.code, service, outcome], counts[(key, service, deed)])
    return family
