"""A restore and a deployment exclude each other, and a snapshot's deployment never runs again."""

import pytest
from django.utils.timezone import now

from opsconsole.backups import readied, restore
from opsconsole.models import Backup, Deployment, Environment, Operation
from pmscoring.base.refusals import Busy
from tests.opsconsole.deployments.conftest import NOBODY

pytestmark = pytest.mark.django_db


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


def test_while_a_deployment_is_driven_here_nothing_is_restored(here: Environment) -> None:
    backup = Backup.objects.create(name="b", status="stored", verified_at=now())
    Deployment.objects.create(environment=here, version="2", status="rolling")
    with pytest.raises(Busy, match="a deployment is under way"):
        restore.request(backup, caller=NOBODY)
