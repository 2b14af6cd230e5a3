"""A turn of the healer over all environments, by beat and by command."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils.timezone import now

from opsconsole import tasks
from opsconsole.engines.base import EngineAway
from opsconsole.environments import engine
from opsconsole.models import Environment, Event
from tests.opsconsole.engines.fake import Fake

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    """The engines of two environments that run, by their codes; a third is not laid out."""
    made = {code: Fake() for code in ("production", "staging")}
    for code in (*made, "planned"):
        laid_out = now() if code in made else None
        Environment.objects.create(
            code=code, kind="staging", engine="compose", project=code, laid_out_at=laid_out
        )
    monkeypatch.setitem(engine.KINDS, "compose", lambda environment: made[environment.code])
    return made


def sicken(fake: Fake) -> str:
    replica = fake.services_["web"].replicas[0]
    fake.sicken(replica.id, "connection refused")
    return replica.name


def heal(*options: str) -> tuple[Any, int]:
    """What the command prints, and its exit."""
    output, status = StringIO(), 0
    try:
        call_command("heal", "--json", *options, stdout=output)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    return json.loads(output.getvalue()), status


def test_beat_has_every_environment_looked_after(fakes: dict[str, Fake]) -> None:
    before = now()
    tasks.heal()
    looked_after = Environment.objects.filter(healer_at__gte=before)
    assert set(looked_after.values_list("code", flat=True)) == {"production", "staging"}


def test_an_engine_that_is_away_keeps_nobody_else_from_being_healed(
    fakes: dict[str, Fake],
) -> None:
    fakes["production"].fail("services", EngineAway("the engine does not answer"))
    name = sicken(fakes["staging"])
    done, status = heal()
    assert done == [
        {
            "environment": "production",
            "replica": "",
            "seen": "the engine does not answer",
            "did": "nothing was done",
        },
        {
            "environment": "staging",
            "replica": name,
            "seen": "unhealthy: connection refused",
            "did": "seen for the first time: the next look decides",
        },
    ]
    assert status == 1
    assert Environment.objects.get(code="production").healer_at, "the healer itself is well"


def test_nor_does_one_that_fails_in_an_unforeseen_way(fakes: dict[str, Fake]) -> None:
    fakes["production"].fail("services", KeyError("Networks"))
    sicken(fakes["staging"])
    (first, second), status = heal()
    assert (first["environment"], first["seen"]) == ("production", "KeyError: 'Networks'")
    assert (second["environment"], status) == ("staging", 1)
    assert not Environment.objects.get(code="production").healer_at, "its alert has to tell"


def test_the_command_only_says_what_would_be_done(fakes: dict[str, Fake]) -> None:
    assert heal("--dry-run") == ([], 0)
    sicken(fakes["production"])
    (done,), status = heal("--dry-run")
    assert (done["did"], status) == ("seen for the first time: the next look decides", 0)
    assert not Environment.objects.exclude(healer_at=None).exists()
    assert not Event.objects.exists()


def test_it_reads_well_without_json(fakes: dict[str, Fake]) -> None:
    output = StringIO()
    call_command("heal", stdout=output)
    assert output.getvalue() == "nothing is sick\n"
    name = sicken(fakes["production"])
    call_command("heal", stdout=output)
    assert f"production {name}: unhealthy: connection refused: seen for" in output.getvalue()
