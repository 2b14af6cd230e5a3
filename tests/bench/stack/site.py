"""A small container stack for measuring, under a name, ports and networks of its own."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.local_servers import free_port
from tests.paths import ROOT

COMPOSE = ROOT / "compose"
PARTS = ("web", "haproxy", "broker", "cache")
TOKEN = "from scoring.management.commands.demo import issue_token; print(issue_token())"


@dataclass(frozen=True)
class Site:
    """Web, HAProxy, PostgreSQL, broker and cache; nobody scores, so nothing else is at work."""

    name: str
    prefix: str
    secrets: Path
    overlays: Sequence[Path] = ()
    parts: Sequence[str] = PARTS
    ports: dict[str, int] = field(
        default_factory=lambda: {
            f"{name}_PORT": free_port() for name in ("HAPROXY", "HTTP", "HTTPS")
        }
    )

    def compose(self, *words: str) -> str:
        """What `docker compose …` printed."""
        site = subprocess.run([COMPOSE / "site.sh"], capture_output=True, text=True, check=True)
        local = [file for file in site.stdout.split() if not file.endswith("/.env")]
        files = [COMPOSE / "compose.yaml", COMPOSE / "test.yaml", *self.overlays]
        argv = ["docker", "compose", *(f"--env-file={file}" for file in local or ["/dev/null"])]
        argv += [*(f"-f={file}" for file in files), "--profile=tls", *words]
        told = {
            "COMPOSE_PROJECT_NAME": self.name,
            "SUBNET_PREFIX": self.prefix,
            "SECRETS_DIR": str(self.secrets),
            "HOST_UID": str(os.getuid()),
            "HOST_GID": str(os.getgid()),
            **{name: str(port) for name, port in self.ports.items()},
        }
        done = subprocess.run(
            argv, env=os.environ | told, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, argv))}\n{done.stderr[-4000:]}")
        return done.stdout

    def up(self) -> None:
        """Start, and wait until all are healthy."""
        self.secrets.mkdir(mode=0o700, exist_ok=True)
        self.compose("run", "--rm", "--no-deps", "-T", "init-secrets")
        self.compose("up", "-d", "--no-build", "--wait", "--wait-timeout=300", *self.parts)

    def down(self) -> None:
        """Stop, and leave nothing."""
        self.compose("down", "--volumes", "--remove-orphans")

    def run(self, service: str, *argv: str) -> str:
        """What a command inside a container of the service printed."""
        return self.compose("exec", "-T", service, *argv)

    def with_password(self, *argv: str, by: str = "database") -> str:
        """What a client of PostgreSQL's printed, signed in as the product unless told."""
        script = f'PGPASSWORD=$(cat /run/secrets/{by}_password) exec "$@"'
        return self.run("postgres", "sh", "-c", script, "sh", *argv)

    def checkpoint(self) -> None:
        """All that is in memory is on disk."""
        options = ["-h", "127.0.0.1", "-U", "postgres", "-XAtc", "CHECKPOINT"]
        self.with_password("psql", *options, by="postgres")

    def sql(self, query: str) -> str:
        """The first column of the first row."""
        options = ["-h", "127.0.0.1", "-U", "pmscoring", "-XAtc", query]
        return self.with_password("psql", *options).strip()

    def token(self) -> str:
        """A token of the exam manager."""
        return self.run("web", "python", "manage.py", "shell", "-v", "0", "-c", TOKEN).split()[-1]

    def web_address(self) -> str:
        """Where the web container listens, past all proxies."""
        ids = self.compose("ps", "-q", "web").split()
        told = subprocess.run(
            ["docker", "inspect", ids[0]], capture_output=True, text=True, check=True
        )
        networks = json.loads(told.stdout)[0]["NetworkSettings"]["Networks"]
        return f"http://{networks[f'{self.name}_backend']['IPAddress']}:8000"

    @property
    def haproxy(self) -> str:
        """HAProxy on this host."""
        return f"http://127.0.0.1:{self.ports['HAPROXY_PORT']}"

    @property
    def nginx(self) -> str:
        """nginx, in front of HAProxy, on this host."""
        return f"https://127.0.0.1:{self.ports['HTTPS_PORT']}"
