"""The contract of engines, kept by Docker Compose."""

from collections.abc import Iterator

import pytest

from opsconsole.engines.base import Version
from opsconsole.engines.compose import Compose
from opsconsole.engines.compose_project import PROJECT as PROJECT_LABEL
from opsconsole.engines.layout import Layout
from tests.opsconsole.engines import contract
from tests.opsconsole.engines.contract import WEB, nothing, replicas, service
from tests.stack.engine import docker
from tests.stack.small_site import CHECK, REGISTRY, SERVE, SmallLab, Versions, app_image, strangers
from tests.stack.stack import free_prefix

PROJECT = "engines-compose"
LABELS = f"{{pmscoring.project: {PROJECT}}}"
FILE = f"""
x-small: &small
  image: ${{REGISTRY_URL}}/pm-scoring-app:${{VERSION}}
  command: {SERVE}
  init: true
  restart: unless-stopped
  stop_grace_period: 3s
  networks: [inner]
  secrets: [token]
  labels: {LABELS}
services:
  web:
    <<: *small
{CHECK}
    x-roll: start-first
    deploy:
      replicas: 2
      resources: {{limits: {{memory: 128M, cpus: "0.9"}}}}
  single:
    <<: *small
{CHECK}
  unchecked:
    <<: *small
    healthcheck: {{disable: true}}
  once:
    <<: *small
    command: "true"
    restart: "no"
    healthcheck: {{disable: true}}
  ops:
    <<: *small
    image: ${{REGISTRY_URL}}/pm-scoring-ops:${{VERSION}}
    profiles: [ops]
{CHECK}
  init-secrets:
    image: ${{REGISTRY_URL}}/pm-scoring-app:${{VERSION}}
    profiles: [tools]
    user: ${{HOST_UID:-0}}:${{HOST_GID:-0}}
    network_mode: none
    healthcheck: {{disable: true}}
    labels: {LABELS}
    command: [sh, -c, "test -f /secrets/token || echo made >/secrets/token"]
    volumes: ["${{SECRETS_DIR}}:/secrets"]
networks:
  inner: {{labels: {LABELS}, ipam: {{config: [{{subnet: "${{SUBNET_PREFIX}}.1.0/24"}}]}}}}
volumes:
  data: {{labels: {LABELS}}}
secrets:
  token: {{file: "${{SECRETS_DIR}}/token"}}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    """Laid out from nothing, removed at the end."""
    folder, versions = tmp_path_factory.mktemp("compose"), Versions(app_image())
    (folder / "compose.yaml").write_text(FILE)
    variables = {
        "REGISTRY_URL": REGISTRY,
        "SUBNET_PREFIX": free_prefix(),
        "SECRETS_DIR": str(folder / "environments" / "small"),
        "VERSION": "1",
    }
    layout = Layout("an-id", PROJECT, folder, profiles=("ops",), variables=variables)
    made = ComposeLab(Compose(layout), versions)
    try:
        with strangers(PROJECT, PROJECT_LABEL):
            made.engine.lay_out(made.good(), print, nothing)
            yield made
    finally:
        made.engine.remove(print)
        versions.remove()
    assert list((folder / "environments").iterdir()) == []


class ComposeLab(SmallLab):
    """On Compose."""

    engine: Compose

    def begin(self, version: Version) -> None:
        """One new container beside the old ones."""
        self.engine.project.containers.start(self.engine.project.create(WEB, 1, version))


class TestSeeing(contract.Seeing):
    """The contract's."""


class TestOperating(contract.Operating):
    """The contract's."""

    def test_what_was_stopped_does_not_count_as_scaled(self, lab: contract.Lab) -> None:
        contract.wait_healthy(lab.engine)
        first, _other = replicas(lab.engine)
        docker("stop", first.id)
        there = service(lab.engine)
        assert (there.wanted, there.scaled) == (2, 1)
        lab.engine.scale(WEB, 2)
        contract.wait_healthy(lab.engine)
        there = service(lab.engine)
        assert (there.wanted, there.scaled) == (2, 2)


class TestRunning(contract.Running):
    """The contract's."""


class TestRolling(contract.Rolling):
    """The contract's."""


class TestKeeping(contract.Keeping):
    """The contract's. It removes the environment at last."""
