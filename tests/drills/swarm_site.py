"""The site of the deployments on a Swarm of one node."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.drills.deploying import Site
from tests.drills.onlookers import Receiver
from tests.stack.engine import docker, inspect, wait_for
from tests.stack.registry import Registry
from tests.stack.stack import COMPOSE, READY, Container
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

    def use_registry(self, registry: Registry) -> None:
        """Deploy it with its images under the registry's name; the login there has expired."""
        self.write_login(registry)
        self.more["REGISTRY_URL"] = registry.name
        words = ["stack", "deploy", "--resolve-image=never", f"-c={COMPOSE / 'stack.yaml'}"]
        docker(*words, self.project, env=self.environment, timeout=180)
        self.wait_until_known(registry)
        wait_for(self.all_are_healthy, READY, "every service runs")

    def assert_went_as_planned(self, plan: dict[str, Any], before: list[Container]) -> None:
        """Those services' tasks were replaced that the dry run has named, and no other's."""
        there = {each.id for each in self.containers()}
        gone = {each.service for each in before if each.id not in there}
        assert gone == set(plan["recreates"])

    def all_containers(self) -> list[Container]:
        """Also those of jobs."""
        label = f"--filter=label=com.docker.stack.namespace={self.project}"
        return [Container(each) for each in inspect(*docker("ps", "-q", label).split())]


SERVER = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print(json.dumps(json.loads(body)), flush=True)
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""


@dataclass
class ReceiverService(Receiver):
    """Networks of Swarm do not reach this host, so this is a service beside the operations worker.

    `host` is its name.
    """

    network: str = ""
    image: str = ""

    def __enter__(self) -> "ReceiverService":
        options = [f"--name={self.host}", f"--network={self.network}", "--no-resolve-image"]
        options += ["--endpoint-mode=dnsrr"]  # Not every kernel has the virtual addresses of Swarm.
        # The image's own check asks for a web server of ours.
        docker(
            "service",
            "create",
            "-q",
            "--no-healthcheck",
            *options,
            self.image,
            "python",
            "-c",
            SERVER,
            timeout=90,
        )
        return self

    def __exit__(self, *_error: object) -> None:
        docker("service", "rm", self.host)

    @property
    def address(self) -> str:
        """By its name, which the networks of the operations worker know."""
        return f"json://{self.host}:8000/"

    def received(self) -> list[dict[str, Any]]:
        """What it has printed."""
        lines = docker("service", "logs", "--raw", self.host).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]
