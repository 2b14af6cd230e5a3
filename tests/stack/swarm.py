"""The installation on a Swarm of one node, small, for as long as a test needs it."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack.engine import EngineError, docker, inspect, wait_for
from tests.stack.stack import COMPOSE, READY, Container, Stack

NAME = "pmscoring-swarm"
SMALL = {
    "API_REPLICAS": "1",
    "WORKER_REPLICAS": "1",
    "WEB_CPUS": "1",
    "WEB_CPUS_RESERVED": "0.1",
    "WEB_MEMORY": "1G",
    "WEB_MEMORY_RESERVED": "128M",
    "WORKER_CPUS": "1",
    "WORKER_MEMORY": "1G",
    "WORKER_MEMORY_RESERVED": "128M",
    "POSTGRES_MEMORY": "1G",
    "POSTGRES_MEMORY_RESERVED": "128M",
    "INFERENCE_MEMORY_RESERVED": "256M",
    # Not every kernel has the virtual addresses of Swarm.
    "HAPROXY_ENDPOINT_MODE": "dnsrr",
}


@dataclass
class Swarm(Stack):
    """Started by `docker stack deploy`; the engine is a Swarm for as long as it runs."""

    project: str = NAME
    version: str = field(default_factory=lambda: str(int(time.time())))

    @property
    def shared(self) -> Path:
        """Where uploads and backups lie, on what would be a disk of all nodes."""
        return self.folder / "shared"

    @property
    def url(self) -> str:
        """Where nginx answers."""
        return f"https://127.0.0.1:{self.ports['HTTPS']}"

    @property
    def environment(self) -> dict[str, str]:
        """What the stack's file is filled with."""
        return {
            **super().environment,
            **SMALL,
            **self.images(),
            "REGISTRY_URL": self._ours(),
            "PUBLIC_ADDRESS": "0.0.0.0",  # noqa: S104
            "SWARM_SUBNET_PREFIX": self.prefix,
            "UPLOADS_DEVICE": str(self.shared / "uploads"),
            "BACKUPS_DEVICE": str(self.shared / "backups"),
            "SECRETS_VERSION": self.version,
            "CONFIG_VERSION": self.version,
        }

    def images(self) -> Mapping[str, str]:
        """The stand-ins, where Compose takes them too."""
        files = [word.split("=", 1)[1] for word in self.argv() if word.startswith("--env-file=")]
        lines = [line for file in files for line in Path(file).read_text("utf-8").splitlines()]
        return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")

    def up(self, *names: str) -> float:
        """Make the engine a Swarm, deploy, and return when every service is there."""
        for name in ("uploads", "backups"):
            (self.shared / name).mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        docker("swarm", "init", "--advertise-addr=127.0.0.1")
        [node] = docker("node", "ls", "-q").split()
        docker("node", "update", "--label-add=data=true", "--label-add=edge=true", node)
        file = f"-c={COMPOSE / 'stack.yaml'}"
        words = ["stack", "deploy", "--resolve-image=never", file, self.project]
        docker(*words, env=self.environment, timeout=120)
        wait_for(self.all_are_healthy, READY, "every service runs")
        return time.monotonic() - began

    def all_are_healthy(self) -> bool:
        """Whether every service has what it wants, and jobs are done."""
        words = ["service", "ls", "--format={{.Name}} {{.Replicas}}"]
        rows = [line.split(" ", 1) for line in docker(*words).splitlines()]
        ours = dict(row for row in rows if row[0].startswith(self.project))
        return bool(ours) and all(map(_is_whole, ours.values()))

    def stop(self, service: str) -> None:
        """Bring it to no task."""
        docker("service", "scale", f"{self.project}_{service}=0")

    def start(self, service: str) -> None:
        """Bring it to one task."""
        docker("service", "scale", f"{self.project}_{service}=1")

    def labels(self, service: str = "") -> list[str]:
        """The engine's filters for what belongs to a service, or to the stack."""
        labels = [f"label=com.docker.stack.namespace={self.project}"]
        name = f"label=com.docker.swarm.service.name={self.project}_{service}"
        return [*labels, name] if service else labels

    def containers(self, service: str = "", ended: bool = False) -> list[Container]:
        """Those that run, of one service or of all."""
        filters = [f"--filter={label}" for label in self.labels(service)]
        ids = docker("ps", "-q", *(["-a"] if ended else []), *filters).split()
        return [Container(told) for told in inspect(*ids)]

    def down(self, *options: str) -> None:
        """Remove everything and leave the Swarm."""
        if docker("info", "--format={{.Swarm.LocalNodeState}}").strip() != "active":
            return
        docker("stack", "rm", self.project)
        wait_for(lambda: not self.containers(), 120, "the containers have ended")
        # Those of jobs stay; Swarm may be at the others' at this moment.
        labels = [f"--filter={label}" for label in self.labels()]
        for container in docker("ps", "-aq", *labels).split():
            with suppress(EngineError):
                docker("rm", "--force", container)
        docker("swarm", "leave", "--force")
        for name in ("postgres", "broker", "uploads", "backups"):
            _remove(f"{self.project}_swarm_{name}")


def _is_whole(replicas: str) -> bool:
    """Of `1/1`, or `0/1 (1/1 completed)`."""
    done, wanted = replicas.split("(")[-1].split()[0].rstrip(")").split("/")
    return done == wanted and wanted != "0"


def _remove(volume: str) -> None:
    """Remove it, which may take until the engine has let go of its last container."""

    def is_gone() -> bool:
        docker("volume", "rm", "--force", volume)
        return True

    wait_for(is_gone, 60, f"{volume} is removed")


def why_not() -> str:
    """Why this engine must not become a Swarm; empty where it may."""
    if docker("info", "--format={{.Swarm.LocalNodeState}}").strip() != "inactive":
        return "the engine is in a Swarm already"
    if os.environ.get("DOCKER_HOST"):
        return "the engine is not this machine's"
    return ""
