"""The production-like stack of the tests, under a name, ports, networks and secrets of its own."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local_servers import free_port
from tests.paths import ROOT
from tests.stack.engine import EngineError, docker, docker_logs, image_is_here, inspect

COMPOSE = ROOT / "compose"
PROJECT = "pmscoring-test"
OVERLAYS = ("production", "security", "scale", "monitoring", "test")
PORTS = ("HAPROXY", "HAPROXY_STATS", "HTTP", "HTTPS", "PROMETHEUS", "GRAFANA")
# Passed on from the caller's environment. Nothing else is: DATA_DIR, for one, may name real data.
KEPT = ("PATH", "HOME", "REGISTRY_URL", "VERSION", "MAKEFLAGS")
READY = 420.0
"""Seconds that a stack may take on a busy machine."""


@dataclass(frozen=True)
class Container:
    """One container, as the engine told of it a moment ago."""

    told: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.told["Id"])

    @property
    def service(self) -> str:
        """Of which service it is."""
        labels = self.told["Config"]["Labels"]
        of_swarm = str(labels.get("com.docker.swarm.service.name", ""))
        return str(
            labels.get("com.docker.compose.service") or of_swarm.removeprefix(f"{self.project}_")
        )

    @property
    def project(self) -> str:
        """Of which project, or stack of Swarm's, it is."""
        labels = self.told["Config"]["Labels"]
        return str(labels.get("com.docker.compose.project") or labels["com.docker.stack.namespace"])

    @property
    def is_one_off(self) -> bool:
        """Whether it was made for one command."""
        return bool(self.told["Config"]["Labels"].get("com.docker.compose.oneoff") == "True")

    @property
    def name(self) -> str:
        """Its name without the project's."""
        return str(self.told["Name"]).removeprefix(f"/{self.project}-")

    @property
    def pid(self) -> int:
        """Its main process, as the host numbers it."""
        return int(self.told["State"]["Pid"])

    @property
    def health(self) -> str:
        """What its health checks said last; empty where it has none."""
        return str(self.told["State"].get("Health", {}).get("Status", ""))

    @property
    def addresses(self) -> dict[str, str]:
        """Its address in each network, by the network's short name."""
        networks = self.told["NetworkSettings"]["Networks"]
        return {
            name.removeprefix(f"{self.project}_"): told["IPAddress"]
            for name, told in networks.items()
        }

    def run(self, *argv: str, stdin: str = "", timeout: float = 120) -> str:
        """What a command inside it printed."""
        return docker("exec", "-i", self.id, *argv, stdin=stdin, timeout=timeout)

    def is_ready(self) -> bool:
        """Whether its own health check, run now, passes."""
        kind, *test = self.told["Config"]["Healthcheck"]["Test"]
        self.run(*(["sh", "-c", *test] if kind == "CMD-SHELL" else test))
        return True


@dataclass
class Stack:
    """Started and stopped by `docker compose`."""

    folder: Path
    prefix: str
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    not_started: dict[str, str] = field(default_factory=dict)
    """Service → its image, which cannot be had."""
    project: str = PROJECT
    overlays: Sequence[str] = OVERLAYS
    more: dict[str, str] = field(default_factory=dict)
    """Variables beside those that every stack of the tests has."""
    started_in: float = 0.0
    """Seconds from the first `up` until all were healthy."""

    @property
    def secrets(self) -> Path:
        """The folder of its secrets."""
        return self.folder / "secrets"

    @property
    def app(self) -> str:
        """The image of the web containers."""
        return f"{self._ours()}/pm-scoring-app:{os.environ.get('VERSION') or '0.1.0'}"

    def _ours(self) -> str:
        return os.environ.get("REGISTRY_URL") or "pmscoring.local"

    @property
    def environment(self) -> dict[str, str]:
        """What Compose fills into its files."""
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        docker_own = {n: v for n, v in os.environ.items() if n.startswith("DOCKER_")}
        socket = os.environ.get("DOCKER_SOCKET", "/var/run/docker.sock")
        return {
            **kept,
            **docker_own,
            **{f"{name}_PORT": str(port) for name, port in self.ports.items()},
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": "tls,ops",
            "SUBNET_PREFIX": self.prefix,
            "SECRETS_DIR": str(self.secrets),
            "INSTALL_DIR": str(ROOT),
            "DOCKER_GID": str(Path(socket).stat().st_gid),
            "HOST_UID": str(os.getuid()),
            "HOST_GID": str(os.getgid()),
            "API_REPLICAS": "2",
            "WORKER_REPLICAS": "1",
            "WEB_CPUS": "1",
            "WORKER_CPUS": "1",
            "POSTGRES_MEMORY": "1G",
            "POSTGRES_MEMORY_RESERVED": "256M",
            "MODEL_CACHE_SIZE": "256m",
            # A worker that was killed gives its answers back soon.
            "SCORING_STALLED_SECONDS": "15",
            **self.more,
        }

    def argv(self) -> list[str]:
        """The words before Compose's own command."""
        site = subprocess.run(
            [str(COMPOSE / "site.sh")], capture_output=True, text=True, check=True
        ).stdout.split()
        local = [file for file in site if file.endswith("local.env")]
        # An env file that is empty: else Compose reads the installation's own.
        env_files = [f"--env-file={file}" for file in local or ["/dev/null"]]
        files = [f"-f={COMPOSE / name}.yaml" for name in ("compose", *self.overlays)]
        return ["compose", *env_files, *files]

    def compose(self, *words: str, timeout: float = 120) -> str:
        """What `docker compose …` printed."""
        return docker(*self.argv(), *words, env=self.environment, timeout=timeout)

    def config(self) -> dict[str, Any]:
        """What Compose makes of the files; without the provider service, which is no container."""
        made: dict[str, Any] = json.loads(self.compose("config", "--format=json"))
        made["services"] = {n: s for n, s in made["services"].items() if "provider" not in s}
        return made

    def write_secrets(self) -> str:
        """Into its folder, by the app image."""
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        return self.compose("run", "--rm", "--no-deps", "-T", "init-secrets")

    def secret(self, name: str) -> str:
        """The value of a secret."""
        return (self.secrets / name).read_text().strip()

    def up(self, *names: str) -> float:
        """Start these services, or all whose images can be had; seconds until they are healthy."""
        services = self.config()["services"]
        images = {name: told["image"] for name, told in services.items()}
        here = {image: image_is_here(image) for image in sorted({*images.values()})}
        self.not_started = {name: image for name, image in images.items() if not here[image]}
        lasting = [
            name
            for name, told in services.items()
            if name not in self.not_started and told.get("restart") == "unless-stopped"
        ]
        began = time.monotonic()
        words = ["up", "-d", "--no-build", "--wait", f"--wait-timeout={READY:.0f}"]
        self.compose(*words, *(names or lasting), timeout=READY + 60)
        return time.monotonic() - began

    def down(self, *options: str) -> None:
        """Stop and remove the containers and networks."""
        self.compose("down", "--remove-orphans", *options, timeout=300)

    def begin_anew(self) -> None:
        """Let volumes be filled anew, which is refused where they were filled before."""
        for record in (self.secrets / "volumes").iterdir():
            record.unlink()

    def scale(self, service: str, count: int) -> None:
        """Bring a service to so many containers, and return when all run."""
        self.compose("scale", "--no-deps", f"{service}={count}", timeout=READY)

    def stop(self, service: str) -> None:
        """Stop its containers."""
        self.compose("stop", service)

    def start(self, service: str) -> None:
        """Start them again."""
        self.compose("start", service)

    def labels(self, service: str = "") -> list[str]:
        """The engine's filters for what belongs to a service, or to the project."""
        labels = [f"label=com.docker.compose.project={self.project}"]
        return [*labels, f"label=com.docker.compose.service={service}"] if service else labels

    def containers(self, service: str = "", ended: bool = False) -> list[Container]:
        """Those that run, of one service or of all; with `ended` also those that do not."""
        filters = [f"--filter={label}" for label in self.labels(service)]
        ids = docker("ps", "-q", *(["-a"] if ended else []), *filters).split()
        found = [Container(told) for told in inspect(*ids)]
        return sorted(found, key=lambda one: one.name)

    def container(self, service: str) -> Container:
        """The first one of a service."""
        found = self.containers(service)
        if not found:
            raise EngineError(f"no container of {service} runs")
        return found[0]

    def last_words(self) -> str:
        """The last lines of those that are not healthy, for whoever must find out why."""
        told = []
        for one in self.containers(ended=True):
            if one.health not in ("healthy", "") or one.told["State"]["ExitCode"]:
                told.append(f"{one.name}: {one.told['State']}")
                told.append(docker_logs(one.id, "30"))
        return "\n".join(told)

    def all_are_healthy(self) -> bool:
        """Whether every container that runs says so, and none is missing."""
        running = self.containers()
        services = set(self.config()["services"]) - set(self.not_started)
        lasting = services - {"prepare", "prepare-monitoring", "migrate"}
        states = {one.health for one in running}
        return {one.service for one in running} >= lasting and states <= {"healthy", ""}

    def manage(self, *words: str) -> str:
        """What `manage.py …` printed in a web container."""
        return self.container("web").run("python", "manage.py", *words)

    def issue_token(self) -> str:
        """A token of the REST API."""
        script = "from scoring.management.commands.demo import issue_token; print(issue_token())"
        return self.manage("shell", "-v", "0", "-c", script).split()[-1]

    def sql(self, query: str) -> list[list[str]]:
        """Rows, asked as the product's own role."""
        return self._psql("pmscoring", "database_password", query)

    def sql_as_superuser(self, query: str, database: str = "pmscoring") -> list[list[str]]:
        """Rows, asked as the superuser."""
        return self._psql("postgres", "postgres_password", query, database)

    def _psql(
        self, role: str, secret: str, query: str, database: str = "pmscoring"
    ) -> list[list[str]]:
        script = f'PGPASSWORD=$(cat /run/secrets/{secret}) exec psql "$@"'
        options = ["-h", "127.0.0.1", "-U", role, "-d", database, "-X", "-A", "-t", "-F", "\t"]
        told = self.container("postgres").run("sh", "-c", script, "sh", *options, "-c", query)
        return [line.split("\t") for line in told.splitlines() if line]

    def redis(self, service: str, *words: str) -> str:
        """What the product's user is told by the broker or the cache."""
        script = (
            f"REDISCLI_AUTH=$(cat /run/secrets/{service}_password);"
            ' export REDISCLI_AUTH; exec redis-cli --no-auth-warning --user pmscoring "$@"'
        )
        return self.container(service).run("sh", "-c", script, "sh", *words).strip()

    def kill(self, container: Container) -> None:
        """End the main process as a crash would.

        Not by `docker kill`, after which the engine takes the container for stopped on purpose. The
        process is ended by its number on the host, from a container that sees the host's.
        """
        confined = ["--rm", "--network=none", "--cap-drop=ALL", "--cap-add=KILL", "--user=0:0"]
        script = "import os, sys; os.kill(int(sys.argv[1]), 9)"
        words = ["--pid=host", "--entrypoint=python", self.app, "-c", script, str(container.pid)]
        docker("run", *confined, *words)

    def leftovers(self) -> list[str]:
        """Containers, networks and volumes that the engine still has of this project."""
        [label] = [f"--filter={label}" for label in self.labels()]
        lists: Sequence[tuple[str, ...]] = (
            ("ps", "-aq", label),
            ("network", "ls", "-q", label),
            ("volume", "ls", "-q", label),
        )
        return [name for words in lists for name in docker(*words).split()]


def free_prefix() -> str:
    """The first two numbers of networks that the engine does not use."""
    ids = docker("network", "ls", "-q").split()
    used = json.dumps([told["IPAM"] for told in inspect(*ids)])
    return next(
        prefix for prefix in (f"172.{n}" for n in range(31, 17, -1)) if f'"{prefix}.' not in used
    )
