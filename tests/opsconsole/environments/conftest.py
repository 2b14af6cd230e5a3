"""An installation in containers whose engine is in memory."""

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.environments import engine
from opsconsole.models import Environment
from tests.opsconsole.engines.fake import Fake

SITE = """
COMPOSE_PROJECT_NAME=pms
OVERLAYS=production security
COMPOSE_PROFILES=tls,ops
INSTALL_DIR=/opt/pm
SECRETS_DIR=/opt/pm/compose/secrets
DOCKER_GID=998
HOST_UID=1000
HOST_GID=1000
HAPROXY_PORT=8090
VERSION=1
WEB_MEMORY=2G
DATA_DIR=/data
DATABASE_URL=
UNKNOWN=thing
"""


@pytest.fixture(autouse=True)
def in_containers(settings: Settings) -> None:
    """The settings of the operations worker of a production installation on Compose."""
    settings.ENGINE, settings.SITE, settings.ENVIRONMENT = "compose", SITE, "production"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """The engine of every environment."""
    made = Fake()
    for kind in engine.KINDS:
        monkeypatch.setitem(engine.KINDS, kind, lambda environment: made)
    return made


@pytest.fixture
def here(db: None) -> Environment:
    """The running installation, entered."""
    return Environment.objects.create(
        code="production",
        kind="production",
        engine="compose",
        project="pms",
        ports={"HAPROXY_PORT": 8090, "HTTP_PORT": 80, "HTTPS_PORT": 443},
        subnet_prefix="172.28",
        is_here=True,
        protected=True,
        laid_out_at=now(),
    )
