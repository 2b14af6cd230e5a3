"""Debian's container registry, which wants a login, as a process of its own."""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.local_servers import free_port
from tests.running import running

PROGRAM = shutil.which("docker-registry")
USER, PASSWORD = "puller", "registry-pass"
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuPjvWZA9Te8qmmwSCy0c40HUw16Nv/I6\n"
"""With the bcrypt of PASSWORD."""


@dataclass(frozen=True)
class Registry:
    """One that listens on this machine, whose engine speaks HTTP with it for that."""

    folder: Path
    port: int

    @property
    def name(self) -> str:
        """The beginning of the names of its images."""
        return f"127.0.0.1:{self.port}"

    def logins(self, password: str) -> Path:
        """A folder as `docker login` would leave it."""
        folder = self.folder / f"logins-{password}"
        folder.mkdir(exist_ok=True)
        word = base64.b64encode(f"{USER}:{password}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self.name: {"auth": word}}}))
        return folder


@contextmanager
def a_registry(folder: Path) -> Iterator[Registry]:
    """With nothing in it."""
    assert PROGRAM, "docker-registry is not installed (.ci/packages)"
    made = Registry(folder, free_port())
    (folder / "htpasswd").write_text(HTPASSWD)
    (folder / "config.yml").write_text(
        json.dumps(
            {
                "version": 0.1,
                "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
                "http": {"addr": made.name},
                "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
            }
        )
    )
    argv = [PROGRAM, "serve", str(folder / "config.yml")]
    with running(argv, dict(os.environ), folder / "registry.log", f"http://{made.name}/"):
        yield made
