"""Deployments behind the maintenance page: when it is shown, when it ends, and when it stays."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole import tasks
from opsconsole.deployments import driver, holding, recovery, releases, request
from opsconsole.engines.base import EngineAway
from opsconsole.models import Deployment, Environment, Restore
from pmscoring.base import hold
from tests.opsconsole.deployments.chaos import lease_over
from tests.opsconsole.deployments.conftest import NOBODY, without_waiting
from tests.opsconsole.engines import requests_logged
from tests.opsconsole.engines.fake import Behaviour, Died, Fake, Migration

pytestmark = pytest.mark.django_db
DROP = Migration("0002_drop", ("DROPPING columns",))
BURN = Migration("0003_burn", ("DROPPING table",), irreversible=True)


@pytest.fixture
def page(here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page is not shown yet; the backup counts as made."""
    hold.lift()
    monkeypatch.setattr("opsconsole.deployments.safety._here", lambda *_: None)
    releases.record_running(here, fake)
    yield
    hold.lift()


def is_held() -> bool:
    hold.forget()
    return hold.is_held()


def behind_the_page(
    fake: Fake, environment: Environment, version: str = "2", **behaviour: Any
) -> Deployment:
    """A deployment here, behind the maintenance page, driven as far as the worker does."""
    fake.build(version, Behaviour(**behaviour))
    deployment = request.request(environment, caller=NOBODY, version=version, maintenance=True)
    driver.start(deployment, fake, **without_waiting(fake))
    deployment.refresh_from_db()
    return deployment


def driven_on(deployment: Deployment, fake: Fake) -> Deployment:
    """The same, once the driver that the worker has started has come to the end."""
    name, _argv, _version = fake.drivers.pop()
    driver.take_over(deployment, fake, name, **without_waiting(fake))
    deployment.refresh_from_db()
    return deployment


@pytest.fixture
def stuck(fake: Fake, here: Environment, page: None) -> Deployment:
    """One that has dropped what the earlier version needs, and was never healthy."""
    deployment = behind_the_page(fake, here, migrations=(DROP, BURN), healthy=False)
    return driven_on(deployment, fake)


def test_a_dangerous_migration_is_taken_back_where_the_new_version_does_not_come(
    fake: Fake, here: Environment, page: None
) -> None:
    deployment = behind_the_page(fake, here, migrations=(DROP,), canary=False)
    assert set(fake.migrated) == {"0001_first", "0002_drop"}
    driven_on(deployment, fake)
    assert deployment.status == "rolled_back", deployment.reason
    assert set(fake.migrated) == {"0001_first"}
    assert not is_held()


def test_what_cannot_be_taken_back_names_the_backup(
    fake: Fake, here: Environment, page: None
) -> None:
    deployment = behind_the_page(fake, here, migrations=(DROP, BURN), canary=False)
    driven_on(deployment, fake)
    assert deployment.status == "failed"
    assert "scoring.0003_burn (DROPPING table), which cannot be taken back" in deployment.reason
    assert "restore the backup" in deployment.reason
    assert "the maintenance page stays until a restore or another deployment" in deployment.reason


def test_a_migration_that_failed_was_not_applied_and_needs_no_way_back(
    fake: Fake, here: Environment, page: None
) -> None:
    deployment = behind_the_page(fake, here, migrations=(BURN,), migrates=False)
    assert deployment.status == "failed"
    assert "going back failed" not in deployment.reason
    assert not is_held()
    assert "roll" not in fake.calls


def test_the_page_is_shown_while_it_migrates_and_until_the_new_version_is_watched(
    fake: Fake, here: Environment, page: None
) -> None:
    held: dict[str, bool] = {}
    fake.before = lambda step: held.setdefault(step, is_held())
    deployment = driven_on(behind_the_page(fake, here, migrations=(DROP,)), fake)
    assert deployment.status == "live", deployment.reason
    assert held["run_once migrate"]
    assert held["roll: starting a new one"]
    assert not is_held()


def test_the_page_itself_is_no_failure_of_the_new_version(
    fake: Fake, here: Environment, page: None
) -> None:
    def call(_step: str) -> None:
        if is_held():
            for replica in fake.running("web"):
                line = requests_logged.line(fake.now, replica.addresses[0], 503, 2)
                fake.lines += [(fake.now, line)] * 50

    fake.before = call
    deployment = driven_on(behind_the_page(fake, here, migrations=(DROP,)), fake)
    assert any(" 503 " in line for _at, line in fake.lines)
    assert deployment.status == "live", deployment.reason
    assert deployment.verdict["callers"]["failed"] == 0
    assert deployment.verdict["before"]["callers"]["failed"] == 0


def test_nothing_is_migrated_where_the_page_cannot_be_shown(
    fake: Fake, here: Environment, page: None, settings: Settings
) -> None:
    settings.CACHE_URL = "redis://127.0.0.1:1/0"
    deployment = behind_the_page(fake, here, migrations=(DROP,))
    assert deployment.status == "failed"
    assert "the maintenance page cannot be shown" in deployment.reason
    assert set(fake.migrated) == {"0001_first"}


def test_nothing_is_migrated_where_it_was_lost_during_the_backup(
    fake: Fake, here: Environment, page: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def back_up(*_: object) -> None:
        settings.CACHE_URL = "redis://127.0.0.1:1/0"

    monkeypatch.setattr("opsconsole.deployments.safety._here", back_up)
    deployment = behind_the_page(fake, here, migrations=(DROP,))
    assert deployment.status == "failed"
    assert "the maintenance page cannot be shown" in deployment.reason
    assert set(fake.migrated) == {"0001_first"}


def test_the_page_stays_where_the_database_cannot_serve_what_runs(stuck: Deployment) -> None:
    assert stuck.status == "failed"
    assert is_held()


def test_each_sweep_renews_it(stuck: Deployment) -> None:
    hold.lift()
    tasks.sweep_deployments()
    assert is_held()


def test_a_restore_of_the_database_ends_it(stuck: Deployment) -> None:
    Restore.objects.create(status="done", parts=["uploads"], finished_at=now())
    assert holding.keep()
    Restore.objects.create(status="done", parts=["database"], finished_at=now())
    assert not holding.keep()


def test_it_is_the_restores_own_while_that_swaps(stuck: Deployment) -> None:
    Restore.objects.create(status="swapping", parts=["database"])
    hold.lift()
    tasks.sweep_deployments()
    assert not is_held()


@pytest.mark.parametrize("maintenance", [False, True])
def test_another_deployment_begins_behind_it_and_ends_it(
    stuck: Deployment, fake: Fake, here: Environment, maintenance: bool
) -> None:
    fake.build("3", Behaviour(migrations=(DROP, BURN)))
    mends = request.request(here, caller=NOBODY, version="3", maintenance=maintenance)
    hold.lift()
    held: dict[str, bool] = {}
    fake.before = lambda step: held.setdefault(step, is_held())
    driver.start(mends, fake, **without_waiting(fake))
    mends.refresh_from_db()
    driven_on(mends, fake)
    assert mends.status == "live", mends.reason
    assert held["image"]
    assert held["roll: starting a new one"]
    assert not is_held()
    tasks.sweep_deployments()
    assert not is_held()


def test_another_one_that_fails_leaves_it(stuck: Deployment, fake: Fake, here: Environment) -> None:
    fake.build("3", Behaviour(migrations=(DROP, BURN), healthy=False))
    worse = request.request(here, caller=NOBODY, version="3")
    driver.start(worse, fake, **without_waiting(fake))
    worse.refresh_from_db()
    driven_on(worse, fake)
    assert worse.status == "rolled_back", worse.reason
    assert is_held()


def test_what_would_end_it_is_begun_while_it_stays(
    stuck: Deployment, here: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = request.request(here, caller=NOBODY, version="3")
    sent: list[str] = []
    monkeypatch.setattr(tasks, "nudge", lambda task, *_keys: sent.append(task.name))
    tasks.sweep_deployments()
    names = {name.rpartition(".")[2] for name in sent}
    assert names == {"tell", "sweep_restores", "start_deployment"}
    assert waiting.status == "requested"


def killed_while_migrating(fake: Fake, here: Environment) -> Deployment:
    """A deployment behind the page whose worker died after the migration had begun."""
    fake.fail("run_once migrate", Died())
    with pytest.raises(Died):
        behind_the_page(fake, here, migrations=(DROP,))
    deployment = Deployment.objects.get()
    assert deployment.status == "migrating"
    return deployment


def test_a_migration_that_outlives_its_worker_is_ended_before_the_database_is_looked_at(
    fake: Fake, here: Environment, page: None
) -> None:
    deployment = killed_while_migrating(fake, here)

    with lease_over():
        recovery.recover(deployment, fake, **without_waiting(fake))

    fake.finish_left()
    assert deployment.status == "failed"
    assert set(fake.migrated) == {"0001_first"}
    assert not is_held()


def test_an_engine_that_cannot_end_it_is_waited_for(
    fake: Fake, here: Environment, page: None
) -> None:
    deployment = killed_while_migrating(fake, here)
    fake.fail("end_commands", EngineAway("the engine does not answer"))

    with lease_over(), pytest.raises(EngineAway):
        recovery.recover(deployment, fake, **without_waiting(fake))

    deployment.refresh_from_db()
    assert deployment.status == "migrating"
    assert is_held()


def test_one_that_the_engine_lost_sight_of_is_ended_too(
    fake: Fake, here: Environment, page: None
) -> None:
    fake.fail("run_once migrate", EngineAway("the engine does not answer"))
    deployment = behind_the_page(fake, here, migrations=(DROP,))
    fake.finish_left()
    assert deployment.status == "failed"
    assert set(fake.migrated) == {"0001_first"}
