"""Which variables an environment has: the site's own, and for an added one a few of its own."""

import pytest
from pytest_django import Settings

from opsconsole.environments import variables
from pmscoring.base.refusals import Refused


def test_the_site_is_read_line_by_line_and_only_known_names_count() -> None:
    site = variables.of_site()
    assert site["COMPOSE_PROJECT_NAME"] == "pms"
    assert site["HOST_UID"] == "1000"
    assert "UNKNOWN" not in site
    assert "DATABASE_URL" not in site


def test_an_equals_sign_belongs_to_the_value(settings: Settings) -> None:
    settings.SITE = "BACKUPS_OPTIONS=addr=10.0.0.1,rw"
    assert variables.of_site() == {"BACKUPS_OPTIONS": "addr=10.0.0.1,rw"}


def test_what_is_not_set_has_the_default_of_the_example() -> None:
    assert variables.effective("HTTPS_PORT") == "443"
    assert variables.effective("HAPROXY_PORT") == "8090"


def test_every_name_that_is_used_is_one_of_the_example() -> None:
    known = {*variables.defaults(), "HOST_UID", "HOST_GID"}
    assert known >= variables.SETTABLE
    assert known >= variables.OF_THE_HOST


def test_an_added_environment_sets_its_own() -> None:
    own = {"WEB_MEMORY": "1G", "ALLOWED_HOSTS": "a.example,b.example"}
    assert variables.checked(own) == own


@pytest.mark.parametrize(
    "name",
    ["POSTGRES_IMAGE", "REGISTRY_URL", "DATA_DIR", "DOCKER_SOCKET", "SECRETS_DIR", "DATABASE_URL",
     "COMPOSE_PROJECT_NAME", "HAPROXY_BIND", "PATH"],
)  # fmt: skip
def test_what_decides_what_runs_and_what_it_reaches_is_not_settable(name: str) -> None:
    with pytest.raises(Refused, match=name):
        variables.checked({name: "x"})


@pytest.mark.parametrize("value", ["a\nb", "${HOME}", "a;b", "x" * 201, "`id`"])
def test_a_value_with_signs_of_a_shell_or_of_compose_is_refused(value: str) -> None:
    with pytest.raises(Refused, match="WEB_MEMORY"):
        variables.checked({"WEB_MEMORY": value})
