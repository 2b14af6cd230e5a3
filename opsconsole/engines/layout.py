"""What an environment consists of: the files, overlays and variables that an engine is given."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Layout:
    """Of one environment. `folder` has compose.yaml, its overlays and stack.yaml.

    `directory` is where relative paths in these files start; on the host, for it is the engine that
    mounts them. `variables` have no secret among them. `logins` is a folder with a config.json of
    registry logins, where it is not that of DOCKER_CONFIG. `installation` is its id.
    """

    installation: str
    project: str
    folder: Path
    overlays: Sequence[str] = ()
    profiles: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    socket: str = SOCKET
    logins: Path | None = None

    def compose(self, *words: str) -> list[str]:
        """The argv of a command of Compose. Its own .env file is not read: `variables` are all."""
        files = [self.folder / f"{name}.yaml" for name in ("compose", *self.overlays)]
        return [
            "docker",
            "compose",
            f"--project-name={self.project}",
            f"--project-directory={self.directory or self.folder}",
            "--env-file=/dev/null",
            *(f"--file={file}" for file in files),
            *(f"--profile={profile}" for profile in self.profiles),
            "--progress=plain",
            *words,
        ]

    def stack_config(self) -> list[str]:
        """The argv that prints the stack's files as one."""
        names = ["stack", *(name for name in self.overlays if name.startswith("stack-"))]
        files = [f"--compose-file={self.folder / name}.yaml" for name in names]
        return ["docker", "stack", "config", *files]

    def stack_deploy(self, file: Path) -> list[str]:
        """The argv that gives Swarm a file; images are by digest, and no registry is asked."""
        options = ["--resolve-image=never", "--with-registry-auth", f"--compose-file={file}"]
        return ["docker", "stack", "deploy", *options, self.project]

    def environment(self, variables: Mapping[str, str], tag: str = "") -> dict[str, str]:
        """The environment of these commands; `tag` is the version of our images."""
        folder = str(self.logins or os.environ.get("DOCKER_CONFIG", ""))
        logins = {"DOCKER_CONFIG": folder} if folder else {}
        version = {"VERSION": tag} if tag else {}
        return {**self.variables, **variables, **version, "DOCKER_HOST": self.socket, **logins}
