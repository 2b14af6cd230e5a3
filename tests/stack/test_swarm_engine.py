"""The contract of engines, kept by a Swarm of one node."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.engines import swarm_roll
from opsconsole.engines.base import Version
from opsconsole.engines.layout import Layout
from opsconsole.engines.swarm import Swarm
from opsconsole.engines.swarm_parsing import NAMESPACE
from tests.opsconsole.engines import contract
from tests.opsconsole.engines.contract import WEB, DeployingLab, nothing, replicas
from tests.stack.engine import docker
from tests.stack.small_site import CHECK, REGISTRY, SERVE, SmallLab, Versions, app_image, strangers
from tests.stack.stack import free_prefix
from tests.stack.swarm import why_not
from tests.waiting import wait_until

PROJECT = "engines-swarm"
LABELS = f"{{pmscoring.project: {PROJECT}}}"
STACK = f"""
x-small: &small
  image: ${{REGISTRY_URL}}/pm-scoring-app:${{VERSION}}
  command: {SERVE}
  init: true
  stop_grace_period: 3s
  networks: [inner]
  secrets: [{{source: token, uid: "1000", mode: 0400}}]
  labels: {LABELS}
x-deploy: &deploy
  labels: {LABELS}
  endpoint_mode: dnsrr
  restart_policy: {{condition: any, delay: 1s}}
services:
  web:
    <<: *small
{CHECK}
    deploy:
      <<: *deploy
      replicas: 2
      update_config: {{order: start-first, parallelism: 1, delay: 1s, monitor: 20s}}
      resources: {{limits: {{memory: 128M, cpus: "0.9"}}}}
  single:
    <<: *small
{CHECK}
    deploy: *deploy
  unchecked:
    <<: *small
    healthcheck: {{disable: true}}
    deploy: *deploy
  once:
    <<: *small
    command: "true"
    healthcheck: {{disable: true}}
    deploy: {{labels: {LABELS}, mode: replicated-job, restart_policy: {{condition: none}}}}
  ops:
    <<: *small
    image: ${{REGISTRY_URL}}/pm-scoring-ops:${{VERSION}}
{CHECK}
    deploy: *deploy
networks:
  inner:
    driver: overlay
    labels: {LABELS}
    ipam: {{config: [{{subnet: "${{SUBNET_PREFIX}}.1.0/24"}}]}}
volumes:
  data: {{labels: {LABELS}}}
secrets:
  token: {{file: "${{SECRETS_DIR}}/token", name: "{PROJECT}_token_1"}}
"""
TOOLS = f"""
services:
  init-secrets:
    image: ${{REGISTRY_URL}}/pm-scoring-app:${{VERSION}}
    profiles: [tools]
    user: ${{HOST_UID:-0}}:${{HOST_GID:-0}}
    network_mode: none
    healthcheck: {{disable: true}}
    labels: {LABELS}
    command: [sh, -c, "test -f /secrets/token || echo made >/secrets/token"]
    volumes: ["${{SECRETS_DIR}}:/secrets"]
"""


@contextmanager
def a_swarm() -> Iterator[None]:
    """This engine as a Swarm. Others may want the same, one after another."""
    with Path("/tmp/swarm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if reason := why_not():
            pytest.skip(reason)
        docker("swarm", "init", "--advertise-addr=127.0.0.1")
        try:
            yield
        finally:
            docker("swarm", "leave", "--force")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallLab]:
    """Laid out from nothing, removed at the end."""
    folder = tmp_path_factory.mktemp("swarm")
    (folder / "stack.yaml").write_text(STACK)
    (folder / "compose.yaml").write_text(TOOLS)
    with a_swarm():
        versions = Versions(app_image())
        variables = {
            "REGISTRY_URL": REGISTRY,
            "SUBNET_PREFIX": free_prefix(),
            "SECRETS_DIR": str(folder / "secrets"),
            "VERSION": "1",
        }
        made = SwarmLab(Swarm(Layout("an-id", PROJECT, folder, variables=variables)), versions)
        try:
            with strangers(PROJECT, NAMESPACE):
                made.engine.lay_out(made.good(), print, nothing)
                yield made
        finally:
            made.engine.remove(print)
            versions.remove()


class SwarmLab(SmallLab):
    """On Swarm."""

    engine: Swarm

    def begin(self, version: Version) -> None:
        """The new specification, and Swarm held after the first task."""
        document = self.engine.stack.read(version)
        held = swarm_roll.held(self.engine.stack.definition(document, WEB), 2)
        self.engine.stack.deploy(document, {WEB: held})
        digest = version.images[WEB].digest
        wait_until(lambda: digest in {one.digest for one in replicas(self.engine)}, 30)


class TestSeeing(contract.Seeing):
    """The contract's."""


class TestOperating(contract.Operating):
    """The contract's."""


class TestRunning(contract.Running):
    """The contract's."""


class TestRolling(contract.Rolling):
    """The contract's."""


class TestKeeping(contract.Keeping):
    """The contract's. It removes the environment at last."""

    def test_removed_it_leaves_nothing_and_strangers_alone(self, lab: DeployingLab) -> None:
        labels = (f"{NAMESPACE}={PROJECT}", f"pmscoring.project={PROJECT}")
        options = [f"--label={label}" for label in labels]
        forgotten = docker("run", "-d", "--rm", *options, app_image(), "sleep", "600").strip()

        super().test_removed_it_leaves_nothing_and_strangers_alone(lab)

        assert docker("ps", "-q", f"--filter=id={forgotten}") == "", "no task's, it ran on"
