"""How an environment is laid out: the site's own variables, or those of one that was added."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from opsconsole.engines.docker_engine import DockerEngine
from opsconsole.environments.engine import engine_of, layout_of, patient_engine_of
from opsconsole.models import Environment, Release
from pmscoring.base.refusals import Refused
from tests.paths import ROOT

pytestmark = pytest.mark.django_db
STAGING: dict[str, Any] = {
    "code": "staging",
    "kind": "staging",
    "engine": "compose",
    "project": "pms-staging",
    "subnet_prefix": "172.30",
    "overlays": ["staging"],
    "ports": {"HAPROXY_PORT": 8190},
    "variables": {"WEB_MEMORY": "1G"},
}


def staging(**changes: Any) -> Environment:
    return Environment(**{**STAGING, **changes})


def test_the_running_installation_is_what_its_site_says_and_not_what_its_row_says(
    here: Environment, settings: Settings
) -> None:
    settings.INSTALL_DIR = "/opt/pm"
    here.project, here.overlays, here.variables = "evil", ["../../evil"], {"DATA_DIR": "/"}
    layout = layout_of(here)
    assert layout.project == "pms"
    assert list(layout.overlays) == ["production", "security"]
    assert list(layout.profiles) == ["tls", "ops"]
    assert layout.variables["DATA_DIR"] == "/data"
    assert layout.folder == ROOT / "compose"
    assert layout.directory == Path("/opt/pm/compose")


def test_an_added_one_has_the_sites_folders_and_its_own_name_networks_ports_and_secrets() -> None:
    layout = layout_of(staging())
    assert layout.project == "pms-staging"
    assert list(layout.profiles) == ["ops"]
    assert layout.variables == {
        "INSTALL_DIR": "/opt/pm",
        "DOCKER_GID": "998",
        "HOST_UID": "1000",
        "HOST_GID": "1000",
        "VERSION": "1",
        "WEB_MEMORY": "1G",
        "HAPROXY_PORT": "8190",
        "ENVIRONMENT": "staging",
        "COMPOSE_PROJECT_NAME": "pms-staging",
        "COMPOSE_PROFILES": "ops",
        "OVERLAYS": "staging",
        "SUBNET_PREFIX": "172.30",
        "SWARM_SUBNET_PREFIX": "172.30",
        "SECRETS_DIR": "/opt/pm/compose/secrets/environments/staging",
    }


def test_an_added_one_has_the_version_that_was_deployed_into_it() -> None:
    assert layout_of(staging(release=Release(version="2"))).variables["VERSION"] == "2"
    assert layout_of(staging(release=Release(version="${evil}"))).variables["VERSION"] == "1"


def test_nginx_is_where_it_has_ports() -> None:
    ports = {"HAPROXY_PORT": 8190, "HTTP_PORT": 8180, "HTTPS_PORT": 8443}
    assert list(layout_of(staging(ports=ports)).profiles) == ["tls", "ops"]


@pytest.mark.parametrize(
    "lie",
    [
        {"code": "../production"},
        {"project": "pms staging"},
        {"project": "-p"},
        {"overlays": ["staging", "../../tmp/evil"]},
        {"overlays": ["production"]},
        {"overlays": []},
        {"overlays": ["staging", "staging"]},
        {"kind": "moon"},
        {"subnet_prefix": "8.8"},
        {"subnet_prefix": "172.300"},
        {"subnet_prefix": "127.0"},
        {"subnet_prefix": "172.30.1"},
        {"ports": {}},
        {"ports": {"HAPROXY_PORT": 0}},
        {"ports": {"HAPROXY_PORT": "8190"}},
        {"ports": {"HAPROXY_PORT": 8190, "SSH_PORT": 22}},
        {"ports": {"HAPROXY_PORT": 8190, "HTTP_PORT": 8180}},
        {"ports": {"HAPROXY_PORT": 8190, "HTTP_PORT": 8190, "HTTPS_PORT": 8191}},
        {"variables": {"POSTGRES_IMAGE": "evil"}},
        {"variables": {"DATA_DIR": "/"}},
        {"variables": {"WEB_MEMORY": "1G\nDATA_DIR=/"}},
        {"variables": {"WEB_MEMORY": 1}},
    ],
    ids=str,
)
def test_a_row_that_lies_reaches_no_engine(lie: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        engine_of(staging(**lie))


@pytest.mark.parametrize("kind", ["compose", "swarm"])
def test_who_changes_something_waits_longer_for_a_busy_engine(
    kind: str, settings: Settings
) -> None:
    settings.ENGINE = kind
    looks, changes = (how(staging(engine=kind)) for how in (engine_of, patient_engine_of))
    assert isinstance(looks, DockerEngine)
    assert isinstance(changes, DockerEngine)
    assert looks.daemon.patience == 4
    assert looks.daemon.patience < changes.daemon.patience <= settings.DEPLOY_LEASE_SECONDS / 2
