"""The verified backup before migrations, made for real."""

from pathlib import Path

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.deployments import safety
from opsconsole.deployments.progress import Cancelled, Progress
from opsconsole.models import Backup, Deployment, Environment
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def progress(
    here: Environment,
    settings: Settings,
    tmp_path: Path,
    backup_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Progress:
    """That of a deployment that is about to migrate; each heartbeat is written."""
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.MEDIA_ROOT.mkdir()
    monkeypatch.setattr("opsconsole.backups.progress.BEAT_SECONDS", 0.0)
    deployment = Deployment.objects.create(
        environment=here, version="2", status="backing_up", claimed_at=now(), since=now(),
        language="en",
    )  # fmt: skip
    return Progress(deployment, every=0.0)


def test_it_is_verified_and_noted_in_the_deployment(progress: Progress) -> None:
    deployment = progress.deployment
    safety.back_up(deployment, Fake(), progress)
    deployment.refresh_from_db()
    backup = deployment.backup
    assert backup is not None
    assert backup.verified_at
    assert backup.parts == ["database", "configuration"]
    assert backup.note == "before the deployment of 2"
    assert deployment.steps[-1]["state"] == "done"


def test_a_cancelled_deployment_leaves_no_backup_that_is_made_again(progress: Progress) -> None:
    Deployment.objects.update(cancel_at=now(), cancelled_by="tester")
    progress.beat()
    progress.look = lambda: None  # type: ignore[method-assign]
    progress.begin("backing up the database")
    del progress.look
    with pytest.raises(Cancelled, match="cancelled by tester"):
        safety._here(progress.deployment, progress)
    backup = Backup.objects.get()
    assert backup.status == "failed"
    assert backup.reason == "cancelled by tester"
    assert not Backup.objects.waiting().exists()
