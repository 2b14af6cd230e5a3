"""`manage.py environments`, `scale` and `run`: what they print, and their exits."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from opsconsole.engines.base import EngineAway, Finished
from opsconsole.environments import one_at_a_time
from opsconsole.models import Environment, Event, Operation
from tests.opsconsole.engines.fake import Fake
from tests.opsconsole.environments.conftest import fake, here, in_containers

__all__ = ["fake", "here", "in_containers"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("here", "fake")]


def ran(*words: str) -> tuple[Any, int]:
    """The document that the command prints with --json, and its exit."""
    out, status = io.StringIO(), 0
    try:
        call_command(words[0], "--json", *words[1:], stdout=out, stderr=io.StringIO())
    except SystemExit as exit_:
        status = int(str(exit_.code))
    return json.loads(out.getvalue()), status


def said(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(*words: str) -> CommandError:
    with pytest.raises(CommandError) as failure:
        call_command(*words, stdout=io.StringIO(), stderr=io.StringIO())
    return failure.value


def test_the_list_is_the_contracts_document() -> None:
    document, status = ran("environments")
    assert status == 0
    assert document == [
        {
            "code": "production",
            "kind": "production",
            "engine": "compose",
            "release": None,
            "state": "unknown",
        }
    ]


def test_status_deployments_and_releases_are_this_installations_where_none_is_named() -> None:
    assert ran("environments", "status")[0]["code"] == "production"
    assert ran("deployments") == ran("releases") == ([], 0)


def test_this_installation_is_not_there_before_it_has_entered_itself() -> None:
    Environment.objects.all().delete()
    error = refused("deployments")
    assert (error.returncode, str(error)) == (2, "this installation has not entered itself yet")


def test_status_looks_now_and_prints_services_and_replicas() -> None:
    document, status = ran("environments", "status", "production")
    assert status == 0
    assert (document["code"], document["state"]) == ("production", "healthy")
    web = next(service for service in document["services"] if service["name"] == "web")
    assert web["replicas"][0].keys() >= {
        "id", "state", "health", "image", "digest", "cpu_cores", "memory_bytes", "restarts",
        "started_at",
    }  # fmt: skip
    assert "running, healthy" in said("environments", "status", "production")


def test_status_of_an_engine_that_is_away_says_why(fake: Fake) -> None:
    fake.fail("services", EngineAway("the socket is gone"))
    document, status = ran("environments", "status", "production")
    assert (status, document["state"], document["trouble"]) == (0, "away", "the socket is gone")


def test_one_is_added_with_what_is_said() -> None:
    words = ["--subnet", "172.30", "--haproxy-port", "9080", "--set", "WEB_MEMORY=1G"]
    document, _status = ran("environments", "add", "staging", *words)
    assert (document["state"], document["subnet"]) == ("added", "172.30")
    assert document["ports"] == {"HAPROXY_PORT": 9080}
    assert Environment.objects.get(code="staging").variables == {"WEB_MEMORY": "1G"}
    assert ran("environments", "status", "staging")[0]["services"] == []


def test_it_says_what_was_chosen_for_one_that_is_added_and_what_lays_it_out() -> None:
    printed = said("environments", "add", "staging", "--subnet", "172.30")
    chosen = "subnet 172.30.0.0/16, HAPROXY_PORT 8180; deploy staging --version V lays it out"
    assert chosen in printed


def test_protection_is_taken_with_a_reason() -> None:
    document, _ = ran("environments", "protect", "production", "--off", "--reason", "moved")
    assert document["protected"] is False
    assert Event.objects.get(deed="environment.changed").details["reason"] == "moved"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["environments", "status", "moon"], 2, "there are: production"),
        (["environments", "add"], 2, "name the environment"),
        (["environments", "add", "x", "--set", "WEB_MEMORY"], 2, "NAME=VALUE"),
        (["environments", "add", "production"], 3, "already"),
        (["scale", "production", "postgres", "2"], 3, "1 to 1 replicas"),
        (["scale", "production", "web", "2", "--for", "later"], 2, "no time"),
        (["run", "production", "shell"], 3, "shell may not be run"),
        (["run", "production"], 2, "name the command"),
        (["run", "moon", "check"], 2, "no environment moon"),
    ],
)
def test_what_is_refused_says_why(words: list[str], status: int, says: str) -> None:
    error = refused(*words)
    assert (error.returncode, says in str(error)) == (status, True), str(error)


def test_scale_does_it_at_once_and_says_the_new_number(fake: Fake) -> None:
    document, status = ran("scale", "production", "web", "3")
    assert status == 0
    assert (
        document.items() >= {"environment": "production", "service": "web", "replicas": 3}.items()
    )
    assert len(fake.running("web")) == 3
    assert Event.objects.get(deed="service.scaled").source == "command"


def test_scale_for_a_time_leaves_a_row_that_puts_it_back() -> None:
    ran("scale", "production", "web", "3", "--for", "2h")
    back = Operation.objects.waiting().get()
    assert back.arguments["replicas"] == 1


def test_scale_exits_with_1_where_the_engine_does_not_do_it(fake: Fake) -> None:
    fake.fail("scale", EngineAway("no answer"))
    document, status = ran("scale", "production", "web", "3")
    assert (status, document["state"], document["reason"]) == (1, "failed", "no answer")


def test_scale_exits_with_75_while_replicas_drain() -> None:
    here = Environment.objects.here()
    with one_at_a_time.scaling(here, "web"):
        failure = refused("scale", "production", "web", "3")
    assert (failure.returncode, "may still drain" in str(failure)) == (75, True)


def test_what_a_guard_refuses_only_when_it_is_done_exits_with_3_too(fake: Fake) -> None:
    del fake.services_["web"]
    failure = refused("scale", "production", "web", "3")
    assert (failure.returncode, str(failure)) == (3, "there is no service web")


def test_run_shows_the_output_and_exits_as_the_command_did(fake: Fake) -> None:
    fake.answers["showmigrations"] = Finished(0, "scoring\n [X] 0001_initial")
    assert "[X] 0001_initial" in said("run", "production", "showmigrations", "--plan")
    fake.answers["migrate"] = Finished(2, "unapplied")
    document, status = ran("run", "production", "migrate", "--check")
    assert (status, document["exit_code"], document["output"]) == (2, 2, "unapplied")
