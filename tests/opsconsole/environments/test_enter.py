"""The running installation enters itself, once, and keeps its row true."""

import pytest
from pytest_django import Settings

from opsconsole.environments.enter import enter
from opsconsole.models import Environment, Event
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db


def test_it_enters_with_what_the_site_says() -> None:
    here = enter()
    assert here is not None
    assert (here.code, here.kind, here.engine) == ("production", "production", "compose")
    assert (here.project, here.subnet_prefix) == ("pms", "172.28")
    assert here.overlays == ["production", "security"]
    assert here.ports == {"HAPROXY_PORT": 8090, "HTTP_PORT": 80, "HTTPS_PORT": 443}
    assert here.variables["WEB_MEMORY"] == "2G"
    assert "UNKNOWN" not in here.variables
    assert here.protected
    assert here.laid_out_at
    assert Event.objects.get(deed="environment.entered").object_name == "production"


def test_a_second_turn_changes_nothing() -> None:
    enter()
    enter()
    assert Environment.objects.count() == 1
    assert not Event.objects.filter(deed="environment.changed").exists()


def test_a_site_that_was_changed_is_told_once(settings: Settings) -> None:
    enter()
    settings.SITE = settings.SITE.replace("8090", "8091")
    enter()
    enter()
    assert Environment.objects.get().ports["HAPROXY_PORT"] == 8091
    assert Event.objects.get(deed="environment.changed").details == {"changed": ["ports"]}


def test_what_a_person_set_stays() -> None:
    enter()
    Environment.objects.update(code="tokyo", protected=False, base_url="https://scoring.example")
    enter()
    here = Environment.objects.get()
    assert (here.code, here.protected, here.base_url) == (
        "tokyo",
        False,
        "https://scoring.example",
    )


def test_a_code_that_is_taken_is_not_taken_again() -> None:
    Environment.objects.create(code="production", kind="staging", engine="compose", project="x")
    here = enter()
    assert here is not None
    assert here.code == "production-2"


def test_the_embedded_installation_has_neither_project_nor_ports(settings: Settings) -> None:
    settings.ENGINE, settings.SITE, settings.ENVIRONMENT = "embedded", "", "development"
    here = enter()
    assert here is not None
    assert (here.code, here.engine, here.project, here.ports) == ("development", "embedded", "", {})


def test_where_no_engine_runs_it_nothing_is_entered(settings: Settings) -> None:
    settings.ENGINE = ""
    assert enter() is None
    assert not Environment.objects.exists()


def test_a_password_in_an_address_does_not_reach_the_row(settings: Settings) -> None:
    settings.SITE += "BROKER_URL=redis://pms:geheim-123@broker.example:6379/0\n"
    here = enter()
    assert here is not None
    assert "geheim" not in str(here.variables)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_enter_at_once_one_does() -> None:
    run_concurrently([enter, enter])
    assert Environment.objects.count() == 1
    assert Event.objects.filter(deed="environment.entered").count() == 1
