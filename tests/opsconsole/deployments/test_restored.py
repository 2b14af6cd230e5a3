"""A restore and a deployment exclude each other, and a snapshot's deployment never runs again."""

import pytest
from django.utils.timezone import now

from opsconsole.backups import readied, restore
from opsconsole.deployments import driver, releases, request
from opsconsole.models import Backup, Deployment, Environment, Operation
from pmscoring.base.refusals import Busy
from tests.opsconsole.deployments.conftest import NOBODY, Deploy, without_waiting
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db


def a_backup() -> Backup:
    return Backup.objects.create(name="b", status="stored", verified_at=now())


def test_what_was_under_way_in_the_snapshot_is_not_taken_up(
    here: Environment, staging: Environment
) -> None:
    waiting = Deployment.objects.create(environment=staging, version="2")
    rolling = Deployment.objects.create(
        environment=here, version="2", status="rolling", claimed_at=now()
    )
    operation = Operation.objects.create(environment=here, kind="restart", target="web-1")
    readied.end_what_was_under_way()
    for row in (waiting, rolling, operation):
        row.refresh_from_db()
        assert row.status == "failed"
        assert "under way when the backup was made" in row.reason
    assert not Deployment.objects.unfinished().exists()


def test_a_deployment_does_not_begin_while_a_restore_is_under_way(
    here: Environment, fake: Fake
) -> None:
    fake.build("2")
    releases.record_running(here, fake)
    deployment = request.request(here, caller=NOBODY, version="2", needs_approval=True)
    request.approve(deployment, caller=NOBODY)
    restore.request(a_backup(), caller=NOBODY)

    driver.start(deployment, fake, **without_waiting(fake))

    deployment.refresh_from_db()
    assert (deployment.status, deployment.steps) == ("failed", [])
    assert "a restore is under way" in deployment.reason
    assert fake.ran == []
    assert fake.drivers == []


def test_none_is_approved_meanwhile(here: Environment) -> None:
    deployment = request.request(here, caller=NOBODY, version="2", needs_approval=True)
    restore.request(a_backup(), caller=NOBODY)
    with pytest.raises(Busy, match="a restore is under way"):
        request.approve(deployment, caller=NOBODY)
    deployment.refresh_from_db()
    assert deployment.approved_at is None


def test_another_environments_deployment_begins_meanwhile(
    here: Environment, staging: Environment, deploy: Deploy, fake: Fake
) -> None:
    fake.build("2")
    restore.request(a_backup(), caller=NOBODY)
    assert deploy(staging, "2").status == "live"


def test_while_a_deployment_is_driven_here_nothing_is_restored(here: Environment) -> None:
    Deployment.objects.create(environment=here, version="2", status="rolling")
    with pytest.raises(Busy, match="a deployment is under way"):
        restore.request(a_backup(), caller=NOBODY)
