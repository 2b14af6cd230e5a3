"""Environments are added beside the running installation, and never on top of anything."""

from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.environments import add
from opsconsole.models import SYSTEM, Caller, Environment, Event
from pmscoring.base.refusals import Refused
from tests.concurrency import run_concurrently

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("here")]
OPERATOR = Caller("sato", "command")


def added(code: str = "staging", **wanted: Any) -> Environment:
    return add.add(add.Wanted(**{"code": code, "kind": "staging", **wanted}), caller=OPERATOR)


def test_what_is_left_out_is_chosen_so_that_nothing_collides() -> None:
    staging = added()
    assert (staging.engine, staging.project) == ("compose", "pms-staging")
    assert staging.overlays == ["staging"]
    assert (staging.subnet_prefix, staging.ports) == ("172.29", {"HAPROXY_PORT": 8180})
    assert staging.laid_out_at is None
    other = added("training")
    assert (other.subnet_prefix, other.ports) == ("172.30", {"HAPROXY_PORT": 8181})
    event = Event.objects.filter(deed="environment.added").order_by("number").first()
    assert event
    assert (event.actor, event.object_name) == ("sato", "staging")


def test_what_is_said_is_taken() -> None:
    ports = {
        "HAPROXY_PORT": 9080,
        "HTTP_PORT": 9081,
        "HTTPS_PORT": 9443,
        "HAPROXY_STATS_PORT": 9404,
    }
    staging = added(subnet="10.77", ports=ports, overlays=["scale"], variables={"WEB_MEMORY": "1G"})
    assert staging.overlays == ["staging", "scale"]
    assert (staging.subnet_prefix, staging.ports) == ("10.77", ports)
    assert staging.variables == {"WEB_MEMORY": "1G"}


@pytest.mark.parametrize(("kind", "protected"), [("staging", False), ("production", True)])
def test_only_production_is_protected_unasked(kind: str, protected: bool) -> None:
    assert added("other", kind=kind).protected is protected


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"code": "production"}, "there is an environment production already"),
        ({"subnet": "172.28"}, "production has the subnet 172.28"),
        ({"ports": {"HAPROXY_PORT": 8090}}, "production has the port 8090"),
        ({"ports": {"HAPROXY_PORT": 443}}, "production has the port 443"),
        ({"code": "Staging"}, "small letters"),
        ({"kind": "moon"}, "no kind"),
        ({"overlays": ["pitr"]}, "no overlays"),
        ({"variables": {"REDIS_IMAGE": "evil"}}, "cannot be set"),
        ({"subnet": "1.2"}, "private network"),
    ],
)
def test_it_refuses_what_collides_or_is_not_shipped(wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        added(**wanted)
    assert Environment.objects.count() == 1
    assert not Event.objects.exists()


def test_another_environments_project_is_not_taken() -> None:
    Environment.objects.create(
        code="old", kind="staging", engine="compose", project="pms-staging", subnet_prefix="10.1"
    )
    with pytest.raises(Refused, match="old has the project pms-staging"):
        added()


def test_one_that_was_removed_may_be_added_again_and_keeps_its_history() -> None:
    staging = added()
    staging.laid_out_at, staging.removed_at, staging.seen = now(), now(), {"services": []}
    staging.save()
    again = added()
    assert again.pk == staging.pk
    assert (again.removed_at, again.laid_out_at, again.seen) == (None, None, {})


def test_the_web_server_adds_one_too_which_knows_nothing_of_the_site(settings: Settings) -> None:
    settings.ENGINE, settings.SITE = "", ""
    assert added().project == "pms-staging"


def test_where_no_containers_run_none_is_added() -> None:
    Environment.objects.update(engine="embedded")
    with pytest.raises(Refused, match="where containers run"):
        added()


def test_protection_is_given_and_taken_with_an_event_each() -> None:
    staging = added()
    add.protect(staging, on=True, caller=SYSTEM)
    add.protect(staging, on=True, caller=SYSTEM)
    assert Environment.objects.get(code="staging").protected
    add.protect(staging, on=False, caller=OPERATOR, why="not needed any more")
    assert not Environment.objects.get(code="staging").protected
    assert Event.objects.filter(deed="environment.changed").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_same_port_at_once_one_is_added() -> None:
    ports = {"HAPROXY_PORT": 8200}
    results = run_concurrently([lambda: added("a", ports=ports), lambda: added("b", ports=ports)])
    assert sorted(type(result).__name__ for result in results) == ["Environment", "Refused"]
