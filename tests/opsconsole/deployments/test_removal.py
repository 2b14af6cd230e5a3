"""An added environment is removed, with its last backup kept here; the running one never is."""

import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.deployments import driver, operations, removal, request
from opsconsole.engines.base import EngineError, Finished
from opsconsole.environments import engine, operate
from opsconsole.models import Backup, Deployment, Environment, Event, ExamWindow, Operation
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.deployments.conftest import NOBODY, a_staging
from tests.opsconsole.engines.fake import Fake
from tests.opsconsole.factories import a_backup, with_files

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folders(settings: Settings, tmp_path: Path, backup_dir: Path) -> None:
    """Folders of this test's own."""
    settings.MEDIA_ROOT = tmp_path / "uploads"


@pytest.fixture(autouse=True)
def engines(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engine.KINDS, "compose", lambda environment: fake)


@pytest.fixture
def staging(fake: Fake, backup_dir: Path) -> Environment:
    """An environment in which a backup can be made, of a name that is none here."""
    made = a_backup()
    folder = with_files(made)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(folder, folder.name)
    there = f"/srv/pmscoring/backups/{folder.name}"
    fake.folders[there] = stream.getvalue()
    document = {"id": str(made.uid), "name": made.name, "path": there, "verified": True}
    fake.answers["backup"] = Finished(0, f"backup [###]\n{json.dumps(document)}")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    made.delete()
    return a_staging()


def removed(staging: Environment, **how: Any) -> Operation:
    operation = removal.request(staging, confirmed=staging.code, caller=NOBODY, **how)
    operate.perform(operation, operations.DEEDS)
    operation.refresh_from_db()
    staging.refresh_from_db()
    return operation


def test_its_last_backup_is_kept_here_before_anything_is_removed(
    fake: Fake, staging: Environment, backup_dir: Path
) -> None:
    operation = removed(staging, why="the rehearsal is over")
    assert operation.status == "done", operation.reason
    assert staging.removed_at
    assert fake.remains() == []
    backup = Backup.objects.get()
    assert (backup.status, backup.origin, backup.plan) == ("stored", "uploaded", None)
    assert (backup_dir / backup.name / "manifest.json").is_file()
    assert fake.calls.index("fetch") < fake.calls.index("remove")
    event = Event.objects.get(deed="environment.removed")
    assert event.details == {"backup": backup.name, "reason": "the rehearsal is over"}
    assert event.actor == "tester"


@pytest.mark.parametrize(
    "answer",
    [Finished(1, "disk full"), Finished(0, '{"verified": false}'), Finished(0, "nonsense")],
)
def test_without_a_verified_backup_nothing_is_removed(
    fake: Fake, staging: Environment, answer: Finished
) -> None:
    fake.answers["backup"] = answer
    operation = removed(staging)
    assert operation.status == "failed"
    assert "the last backup failed" in operation.reason
    assert staging.removed_at is None
    assert "remove" not in fake.calls


@pytest.mark.parametrize("cut", [100, 600])
def test_a_backup_that_does_not_arrive_whole_keeps_everything(
    fake: Fake, staging: Environment, cut: int
) -> None:
    [(place, archive)] = fake.folders.items()
    fake.folders[place] = archive[:cut]
    assert removed(staging).status == "failed"
    assert staging.removed_at is None
    assert "remove" not in fake.calls
    assert not Backup.objects.filter(status="stored").exists()


def test_where_no_backup_can_be_made_a_reason_goes_on_without(
    fake: Fake, staging: Environment
) -> None:
    fake.services_["ops"].replicas = []
    assert "needs a reason" in removed(staging).reason
    with pytest.raises(Refused, match="needs a reason"):
        removal.request(staging, confirmed="staging", caller=NOBODY, without_backup=True)
    assert removed(staging, without_backup=True, why="it never started").status == "done"
    assert fake.remains() == []


def test_one_that_was_never_laid_out_touches_no_engine(fake: Fake, staging: Environment) -> None:
    Environment.objects.update(laid_out_at=None)
    staging.refresh_from_db()
    assert removed(staging).status == "done"
    assert "remove" not in fake.calls
    assert staging.removed_at


def test_what_a_broken_laying_out_has_left_is_removed(fake: Fake, staging: Environment) -> None:
    Environment.objects.update(laid_out_at=None, seen={"laying_out": "2026-11-29T00:00:00Z"})
    staging.refresh_from_db()
    assert removed(staging).status == "done"
    assert fake.remains() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"is_here": True}, "does not remove itself"),
        ({"protected": True}, "is protected"),
        ({"removed_at": now()}, "removed already"),
        ({"code": "other"}, "typed"),
    ],
)
def test_it_refuses_whoever_wrote_the_row(
    fake: Fake, staging: Environment, change: dict[str, Any], says: str
) -> None:
    Environment.objects.update(**change)
    staging.refresh_from_db()
    with pytest.raises(Refused, match=says):
        removal.request(staging, confirmed="staging", caller=NOBODY)
    row = Operation.objects.create(
        environment=staging, kind="remove", target="staging", language="en"
    )
    operate.perform(row, operations.DEEDS)
    row.refresh_from_db()
    assert (row.status, says in row.reason) == ("failed", True)
    assert fake.calls == []


def test_while_an_exam_window_holds_it_needs_a_reason(fake: Fake, staging: Environment) -> None:
    hour = timedelta(hours=1)
    ExamWindow.objects.create(name="autumn", starts_at=now() - hour, ends_at=now() + hour)
    with pytest.raises(Refused, match="exam window autumn"):
        removal.request(staging, confirmed="staging", caller=NOBODY)
    assert removed(staging, why="the disk is full").status == "done"


def test_a_deployment_keeps_it_from_being_removed(fake: Fake, staging: Environment) -> None:
    Deployment.objects.create(environment=staging, status="rolling")
    with pytest.raises(Busy, match="deployment is under way"):
        removal.request(staging, confirmed="staging", caller=NOBODY)


def test_and_its_removal_keeps_it_from_being_deployed(fake: Fake, staging: Environment) -> None:
    waiting = request.request(staging, caller=NOBODY, version="2")
    removal.request(staging, confirmed="staging", caller=NOBODY)
    with pytest.raises(Busy):
        request.request(staging, caller=NOBODY, version="2")
    driver.start(waiting, fake)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason) == ("failed", "staging is being removed")


def test_a_removal_that_broke_off_can_be_done_again(fake: Fake, staging: Environment) -> None:
    fake.fail("remove", EngineError("device or resource busy"))
    assert removed(staging).reason == "device or resource busy"
    assert Backup.objects.get().status == "stored"
    assert removed(staging, without_backup=True, why="the backup is here").status == "done"


def test_the_command_wants_the_typed_name_and_says_what_became_of_it(
    fake: Fake, staging: Environment
) -> None:
    def ran(*words: str) -> dict[str, Any]:
        out = io.StringIO()
        call_command("environments", "remove", *words, "--json", stdout=out, stderr=io.StringIO())
        document: dict[str, Any] = json.loads(out.getvalue())
        return document

    with pytest.raises(CommandError, match="--yes confirms") as error:
        ran("staging")
    assert error.value.returncode == 2
    assert ran("staging", "--yes")["state"] == "removed"
    assert Backup.objects.count() == 1
