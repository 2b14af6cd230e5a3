"""What Prometheus is told of environments, deployments and heals."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from opsconsole.models import Deployment, Environment, Event
from tests.opsconsole import environments_made as made
from tests.pmscoring.test_metrics import Samples, samples

# The page reads over a connection of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environment(db: None) -> Environment:
    """Seen a moment ago: two replicas of web, one of each other service."""
    return made.environment()


def scrape() -> Samples:
    return samples(Client().get("/metrics").content.decode())


def value(name: str, **labels: str) -> float | None:
    wanted = {"environment": "production"} | labels
    return scrape().get((f"pmscoring_{name}", tuple(sorted(wanted.items()))))


def ended(environment: Environment, status: str, **fields: Any) -> Deployment:
    times: dict[str, Any] = {"finished_at": now(), "seconds": 90.0}
    return made.deployment(environment, status=status, **times | fields)


def test_it_tells_how_many_replicas_run(environment: Environment) -> None:
    stopped = made.replica("web", 2, state="stopped")
    environment.seen = made.seen(web=[made.replica("web", 1), stopped])
    environment.save()
    assert value("scaling_replicas", service="web") == 1
    assert value("scaling_replicas", service="worker") == 1


@pytest.mark.parametrize(
    "changes",
    [{"seen_at": now() - timedelta(minutes=2)}, {"trouble": "the engine does not answer"}],
)
def test_what_is_not_known_is_missing_and_not_zero(
    environment: Environment, changes: dict[str, Any]
) -> None:
    Environment.objects.update(**changes)
    assert value("scaling_replicas", service="web") is None


def test_it_tells_when_the_engine_was_seen_and_whether_it_answers(
    environment: Environment,
) -> None:
    assert environment.seen_at
    seen = environment.seen_at.timestamp()
    assert value("environment_seen_timestamp_seconds") == pytest.approx(seen, abs=0.001)
    assert value("engine_answers") == 1
    Environment.objects.update(trouble="the engine does not answer", healer_at=now())
    assert value("engine_answers") == 0
    assert value("healer_timestamp_seconds") == pytest.approx(now().timestamp(), abs=30)


def test_an_environment_that_is_not_laid_out_has_no_series() -> None:
    made.environment("staging", laid_out_at=None, is_here=False)
    assert not [name for name, labels in scrape() if ("environment", "staging") in labels]


def test_deployments_are_counted_by_outcome_from_zero_on(environment: Environment) -> None:
    assert value("deployments_total", outcome="rolled_back") == 0
    for status in ("live", "live", "rolled_back", "failed", "cancelled"):
        ended(environment, status)
    made.deployment(environment, status="rolling")
    counts = [value("deployments_total", outcome=outcome) for outcome in Deployment.ENDS]
    assert counts == [2, 1, 1, 1]


def test_it_tells_how_long_the_last_live_deployment_took(environment: Environment) -> None:
    assert value("deployment_seconds", state="total") is None
    steps = [
        {"name": "準備", "during": "preparing", "state": "done", "seconds": 12.0, "says": ""},
        {"name": "web", "during": "rolling", "state": "done", "seconds": 40.5, "says": ""},
        {"name": "worker", "during": "rolling", "state": "done", "seconds": 2.0, "says": ""},
        {"name": "監視", "during": "soaking", "state": "skipped", "seconds": None, "says": ""},
    ]
    ended(environment, "live", steps=steps)
    ended(environment, "failed", seconds=5.0)
    assert value("deployment_seconds", state="total") == 90
    assert value("deployment_seconds", state="rolling") == 42.5
    assert value("deployment_seconds", state="soaking") is None


def test_heals_are_counted_by_what_was_done(environment: Environment) -> None:
    assert value("heals_total", service="web", outcome="given_up") == 0
    for deed in ("heal.restarted", "heal.restarted", "heal.failed", "heal.recovered"):
        Event.objects.record(deed, environment, service="web", replica="web-1")
    Event.objects.record("heal.given_up", environment, service="gone", replica="gone-1")
    assert value("heals_total", service="web", outcome="restarted") == 2
    assert value("heals_total", service="web", outcome="failed") == 1
    assert value("heals_total", service="web", outcome="given_up") == 0
    assert value("heals_total", service="gone", outcome="given_up") == 1
