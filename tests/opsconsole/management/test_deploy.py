"""`deploy`, `rollback`, `releases`, `deployments`, with an engine in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.deployments import driver, releases
from opsconsole.environments import engine
from opsconsole.management import deploying
from opsconsole.models import Deployment, Environment
from tests.opsconsole.deployments.conftest import SITE, without_waiting
from tests.opsconsole.engines.fake import Behaviour, Fake

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def staging(
    settings: Settings, tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> Environment:
    """An environment whose engine is in memory, and a worker that works while a command waits."""
    settings.ENGINE, settings.SITE, settings.SOAK_SECONDS = "compose", SITE, 5
    settings.BUNDLES_DIR = tmp_path
    for kind in engine.KINDS:
        monkeypatch.setitem(engine.KINDS, kind, lambda environment: fake)

    def work(_seconds: float) -> None:
        for waiting in Deployment.objects.waiting():
            driver.start(waiting, fake, **without_waiting(fake))

    monkeypatch.setattr(deploying, "pause", work)
    environment = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="pms-staging",
        overlays=["staging"], ports={"HAPROXY_PORT": 8091}, subnet_prefix="172.30",
        laid_out_at=now(),
    )  # fmt: skip
    releases.record_running(environment, fake)
    return environment


@pytest.fixture
def fake() -> Fake:
    """An engine that runs version 1."""
    return Fake()


def answer(capsys: pytest.CaptureFixture[str], *argv: str, exits: int = 0) -> Any:
    """What the command prints with --json; its exit is looked at."""
    if exits:
        with pytest.raises(SystemExit) as raised:
            call_command(*argv, "--json")
        assert raised.value.code == exits
    else:
        call_command(*argv, "--json")
    return json.loads(capsys.readouterr().out)


def refusal(*argv: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as raised:
        call_command(*argv)
    return raised.value.returncode, str(raised.value)


def test_it_prints_the_document_of_the_contract(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.build("2")
    document = answer(capsys, "deploy", "staging", "--version", "2", "--yes")
    assert document["state"] == "live"
    assert document["environment"] == "staging"
    assert document["from"].startswith("1 (")
    assert document["to"].startswith("2 (")
    assert document["failed_requests"] == 0
    assert {"name", "state", "seconds", "says"} == set(document["steps"][0])


def test_it_exits_with_1_where_it_went_back(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake.build("2", Behaviour(healthy=False))
    document = answer(capsys, "deploy", "staging", "--version", "2", "--yes", exits=1)
    assert document["state"] == "rolled_back"
    assert "unhealthy" in document["reason"]


def test_a_dry_run_prints_what_is_done_later_and_does_nothing(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.build("2")
    document = answer(capsys, "deploy", "staging", "--version", "2", "--dry-run")
    assert document["recreates"] == ["inference", "worker", "web", "beat", "ops"]
    rolls = [line for line in document["plan"] if line.startswith("docker compose up")]
    assert [line.split()[5] for line in rolls] == ["inference", "worker", "web", "beat", "ops"]
    assert document["plan"][0] == "take pmscoring.local/pm-scoring-app:2 as it is on the engine"
    assert not Deployment.objects.exists()
    assert {"roll", "run_once", "point"}.isdisjoint(fake.calls)


def test_without_a_terminal_it_wants_yes() -> None:
    status, says = refusal("deploy", "staging", "--version", "2")
    assert status == 2
    assert "--yes confirms" in says


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("deploy", "nowhere", "--version", "2", "--yes"), 2, "there are: staging"),
        (("deploy", "staging", "--yes"), 3, "name a version"),
        (("deploy", "staging", "--version", "a b", "--yes"), 3, "name a version"),
        (("deploy", "staging", "--bundle", "/etc/x.tar", "--yes"), 3, "put the bundle into"),
        (("deploy", "--drive", "7d4ad0c2-3c1e-4d3e-9e59-111111111111"), 2, "no such deployment"),
        (("rollback", "staging", "--yes"), 3, "nothing ran before"),
        (("rollback", "staging", "--to", "ff", "--yes"), 2, "0 releases"),
        (("releases", "nowhere"), 2, "there is no environment"),
        (("deployments", "staging", "--cancel", "ff"), 2, "0 deployments"),
    ],
)
def test_what_is_wrong_has_its_exit(argv: tuple[str, ...], status: int, words: str) -> None:
    assert refusal(*argv)[0] == status
    assert words in refusal(*argv)[1]


def test_the_second_one_is_told_to_try_later(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "deploy", "staging", "--version", "2", "--yes", "--wait", "0")
    assert document["state"] == "requested"
    status, says = refusal("deploy", "staging", "--version", "3", "--yes")
    assert status == 75
    assert "another deployment is under way" in says


def test_a_rollback_names_the_release_that_ran_before(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.build("2")
    answer(capsys, "deploy", "staging", "--version", "2", "--yes")
    document = answer(capsys, "rollback", "staging", "--yes")
    assert document["state"] == "live"
    assert document["to"].startswith("1 (")
    listed = answer(capsys, "releases", "staging")
    assert [(each["version"], each["live"]) for each in listed] == [("2", False), ("1", True)]
    assert len(answer(capsys, "deployments", "staging")) == 2


def test_a_deployment_is_cancelled_approved_and_its_lock_broken(
    staging: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer(capsys, "deploy", "staging", "--version", "2", "--yes", "--wait", "0")
    assert refusal("deployments", "staging", "--approve", document["id"])[0] == 3
    assert refusal("deployments", "staging", "--break-lock", document["id"])[0] == 3
    (cancelled,) = answer(capsys, "deployments", "staging", "--cancel", document["id"])
    assert cancelled["state"] == "cancelled"
