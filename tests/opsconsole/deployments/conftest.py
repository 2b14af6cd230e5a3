"""Environments whose engine is in memory, and deployments into them without any waiting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole.deployments import driver, releases, request
from opsconsole.models import Caller, Deployment, Environment
from tests.opsconsole.engines.fake import Fake

NOBODY = Caller("tester", "command")
SITE = "COMPOSE_PROJECT_NAME=pms\nINSTALL_DIR=/opt/pm\nSECRETS_DIR=/opt/pm/compose/secrets\n"
Deploy = Callable[..., Deployment]


@pytest.fixture(autouse=True)
def in_containers(settings: Settings, tmp_path: Path) -> None:
    """The settings of the operations worker of an installation on Compose."""
    settings.ENGINE, settings.SITE, settings.SOAK_SECONDS = "compose", SITE, 10
    settings.BUNDLES_DIR = tmp_path / "bundles"
    settings.BUNDLES_DIR.mkdir()


@pytest.fixture
def here(db: None) -> Environment:
    """The running installation."""
    return Environment.objects.create(
        code="production", kind="production", engine="compose", project="pms",
        is_here=True, protected=True, laid_out_at=now(),
    )  # fmt: skip


@pytest.fixture
def staging(db: None, fake: Fake) -> Environment:
    """An environment beside it, whose release is known."""
    environment = a_staging()
    releases.record_running(environment, fake)
    return environment


def a_staging() -> Environment:
    """An environment that was added, and laid out."""
    return Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="pms-staging",
        overlays=["staging"], ports={"HAPROXY_PORT": 8091}, subnet_prefix="172.30",
        laid_out_at=now(),
    )  # fmt: skip


@pytest.fixture
def fake() -> Fake:
    """An engine that runs version 1."""
    return Fake()


@pytest.fixture
def deploy(fake: Fake) -> Deploy:
    """Ask for a deployment and drive it, with 50 requests a second meanwhile."""

    def run(environment: Environment, version: str = "2", **options: Any) -> Deployment:
        deployment = request.request(environment, caller=NOBODY, version=version, **options)
        driver.start(deployment, fake, **without_waiting(fake))
        deployment.refresh_from_db()
        return deployment

    return run


def without_waiting(fake: Fake, rate: int = 50) -> dict[str, Any]:
    """How Progress is made: requests are served while it would wait, and each look is a beat."""
    return {"wait": lambda seconds: fake.serve(max(1, int(seconds * rate))), "every": 0.0}
