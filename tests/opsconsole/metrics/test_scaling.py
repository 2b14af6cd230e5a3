"""What Prometheus is told of scaling policies."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Environment, ScalingDecision, ScalingPolicy
from tests.opsconsole import environments_made as made
from tests.pmscoring.test_metrics import samples

# The page reads over a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def policy(db: None) -> ScalingPolicy:
    return ScalingPolicy.objects.create(
        environment=made.environment(), service="worker", dry_run=False
    )


def decided(policy: ScalingPolicy, desired: int, **columns: Any) -> None:
    row = {"current": 1, "recommended": desired, "desired": desired, "action": "up"}
    ScalingDecision.objects.create(policy=policy, **row | columns)


def value(name: str) -> float | None:
    labels = (("environment", "production"), ("service", "worker"))
    scraped = samples(Client().get("/metrics").content.decode())
    return scraped.get((f"pmscoring_scaling_{name}", labels))


def test_it_tells_what_was_decided_last_and_when(policy: ScalingPolicy) -> None:
    assert value("desired") is None
    assert value("decision_timestamp_seconds") is None
    at = now()
    decided(policy, 2, at=at - timedelta(seconds=15))
    decided(policy, 3, at=at)
    ScalingPolicy.objects.update(decided_at=at)
    assert value("desired") == 3
    assert value("decision_timestamp_seconds") == pytest.approx(at.timestamp())


def test_a_policy_that_nobody_has_decided_on_is_there(policy: ScalingPolicy) -> None:
    assert value("policy") == 1
    Environment.objects.update(removed_at=now())
    assert value("policy") is None


def test_it_tells_since_when_a_policy_at_work_holds(policy: ScalingPolicy) -> None:
    at, name = now(), "holds_since_timestamp_seconds"
    assert value(name) is None
    ScalingPolicy.objects.update(held_since=at)
    assert value(name) == pytest.approx(at.timestamp())
    ScalingPolicy.objects.update(paused_until=at + timedelta(hours=1))
    assert value(name) is None, "somebody has paused it, and knows"
    ScalingPolicy.objects.update(paused_until=None, dry_run=True)
    assert value(name) is None, "it does nothing anyway"
