"""`manage.py deploy`: its words; whoever watches goes on in the new worker's container."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from opsconsole.deployments import request
from opsconsole.models import Environment
from tests.opsconsole.deployments.conftest import NOBODY

pytestmark = pytest.mark.django_db


def test_it_asks_for_the_version_that_it_is_given(
    staging: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["deploy", staging.code, "--version", "1.4.0", "--wait", "0", "--yes", "--json"]
    call_command(*argv)
    assert json.loads(capsys.readouterr().out)["to"] == "1.4.0"
    assert staging.deployments.get().version == "1.4.0"


def test_it_tells_how_the_newest_one_ended_and_asks_for_nothing(
    staging: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment = request.request(staging, caller=NOBODY, version="2")
    deployment.claim()
    deployment.fail("the registry said no")

    with pytest.raises(SystemExit) as ended:
        call_command("deploy", staging.code, "--follow", "--json")

    document = json.loads(capsys.readouterr().out)
    assert (document["id"], document["reason"]) == (str(deployment.uid), "the registry said no")
    assert ended.value.code == 1
    assert staging.deployments.count() == 1


def test_there_must_be_one(staging: Environment) -> None:
    with pytest.raises(CommandError, match="nothing was deployed yet"):
        call_command("deploy", staging.code, "--follow")
