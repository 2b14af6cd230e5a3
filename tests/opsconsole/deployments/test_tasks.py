"""The tasks of deployments: a message is a nudge, and the rows say what is to be done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole import tasks
from opsconsole.deployments import driver, recovery, request
from opsconsole.engines.base import EngineAway
from opsconsole.engines.daemon import PATIENT_SECONDS
from opsconsole.environments import engine
from opsconsole.models import Deployment, Environment
from tests.opsconsole.deployments.conftest import NOBODY, a_staging
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db
Captured = Callable[..., Any]


@pytest.fixture(autouse=True)
def known(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of every environment is in memory."""
    for kind in engine.KINDS:
        monkeypatch.setitem(engine.KINDS, kind, lambda environment: fake)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The messages, by the name of the task and the key of the row."""
    messages: list[tuple[str, int]] = []
    monkeypatch.setattr(
        tasks, "nudge", lambda task, *args: messages.append((task.name.rsplit(".")[-1], *args))
    )
    return messages


def test_the_sweep_sends_what_waits_and_what_was_left(
    staging: Environment, here: Environment, sent: list[tuple[str, int]]
) -> None:
    waiting = request.request(staging, caller=NOBODY, version="2")
    left = Deployment.objects.create(
        environment=here, version="2", status="rolling", claimed_at=now() - timedelta(minutes=5)
    )
    tasks.sweep_deployments()
    assert sent == [("recover_deployment", left.pk), ("start_deployment", waiting.pk)]


def test_while_the_application_is_held_nothing_new_begins(
    staging: Environment, sent: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    request.request(staging, caller=NOBODY, version="2")
    monkeypatch.setattr("pmscoring.base.hold.is_held", lambda: True)
    tasks.sweep_deployments()
    assert sent == []


def test_what_waits_for_an_approval_is_not_started(staging: Environment, fake: Fake) -> None:
    deployment = request.request(staging, caller=NOBODY, version="9", needs_approval=True)
    tasks.start_deployment(deployment.pk)
    deployment.refresh_from_db()
    assert deployment.status == "requested"
    request.approve(deployment, caller=NOBODY)
    tasks.start_deployment(deployment.pk)
    deployment.refresh_from_db()
    assert deployment.status == "failed"
    assert "not here" in deployment.reason


def test_a_row_that_names_no_environment_of_ours_ends_with_the_reason(
    here: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    foreign = a_staging()
    Environment.objects.filter(pk=foreign.pk).update(overlays=["../../evil"])
    deployment = request.request(foreign, caller=NOBODY, version="2")
    tasks.start_deployment(deployment.pk)
    deployment.refresh_from_db()
    assert deployment.status == "failed"
    assert "no overlays of the kind staging" in deployment.reason


def test_what_runs_is_recorded_when_the_installation_is_entered(
    here: Environment, fake: Fake
) -> None:
    tasks.record_releases()
    here.refresh_from_db()
    assert here.release is not None
    assert here.release.version == "1"
    fake.fail("services", EngineAway("away"))
    tasks.record_releases()
    assert here.releases.count() == 1


def test_a_deployment_is_driven_with_patience_for_a_busy_engine(
    staging: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers: list[Any] = []
    monkeypatch.undo()
    monkeypatch.setattr(driver.Driver, "drive", lambda self: drivers.append(self))
    monkeypatch.setattr(recovery, "recover", lambda _, engine: drivers.append(engine))
    deployment = request.request(staging, caller=NOBODY, version="2")
    tasks.start_deployment(deployment.pk)
    tasks.recover_deployment(deployment.pk)
    assert drivers[0].engine.daemon.patience == PATIENT_SECONDS
    assert drivers[1].daemon.patience == PATIENT_SECONDS
