"""The site of the deployments on a Swarm of one node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.drills.deploying import Site
from tests.drills.onlookers import Receiver
from tests.stack.engine import docker, inspect
from tests.stack.stack import Container
from tests.stack.swarm import Swarm

STILL = {"THROTTLE_RATE": "1000000/min", "THROTTLE_RATE_SCORE": "1000000/min"}
"""A caller that calls so often is none that is to be slowed down."""


@dataclass
class SwarmSite(Site, Swarm):
    """Its door is nginx, for the balancer publishes nothing there; two web containers."""

    project: str = "pmscoring-drills"
    overlays: Sequence[str] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What the stack's file is filled with."""
        fixed = {**STILL, "API_REPLICAS": "2", "COOKIE_SECURE": ""}
        return {**super().environment, **fixed, **self.more}

    @property
    def url(self) -> str:
        """Where nginx answers."""
        return f"https://127.0.0.1:{self.ports['HTTPS']}"

    def assert_went_as_planned(self, plan: dict[str, Any], before: list[Container]) -> None:
        """Those services' tasks were replaced that the dry run has named, and no other's."""
        there = {each.id for each in self.containers()}
        gone = {each.service for each in before if each.id not in there}
        assert gone == set(plan["recreates"])

    def all_containers(self) -> list[Container]:
        """Also those of jobs."""
        label = f"--filter=label=com.docker.stack.namespace={self.project}"
        return [Container(each) for each in inspect(*docker("ps", "-q", label).split())]


class Unheard(Receiver):
    """Networks of Swarm do not reach this host: notices are read where they are sent from."""

    def wait_for(self, *words: str) -> dict[str, Any]:
        """Nothing is waited for."""
        return {"words": [*words, "rolled back", "failed"]}
