"""What Compose and Swarm have in common: a Docker Engine, its containers and its images."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from opsconsole.engines import transfer
from opsconsole.engines.base import EngineAway, EngineError, Finished, Image, Pruned, Say, Usage
from opsconsole.engines.containers import Containers
from opsconsole.engines.daemon import Daemon
from opsconsole.engines.images import Images
from opsconsole.engines.layout import Layout
from opsconsole.engines.parsing import Document
from opsconsole.gateways import shell
from pmscoring.base.progress import Alive

COMMAND_SECONDS = 120.0
PROGRESS = (" Container ", " Network ", " Volume ", " Image ")
"""How lines begin by which Compose tells what it does."""
AWAY = ("Cannot connect to the Docker daemon", "failed to connect to the docker API")


class DockerEngine:
    """The half of the port that does not depend on who runs the containers."""

    def __init__(self, layout: Layout, labels: Mapping[str, str]) -> None:
        self.layout = layout
        self.daemon = Daemon(layout.socket)
        self.containers = Containers(self.daemon, layout.project, labels)
        self.images = Images(self.daemon, layout.project, layout.logins)

    def _running(self) -> dict[str, str]:
        """The ids of the running containers of the environment by the ids of replicas."""
        raise NotImplementedError

    def _container(self, replica: str) -> Document:
        """The container of a replica of this environment; raises EngineError for any other."""
        raise NotImplementedError

    def usage(self) -> dict[str, Usage]:
        """By replica id."""
        return self.containers.usage(self._running())

    def logs(
        self, replica: str, *, tail: int = 200, since: datetime | None = None
    ) -> Iterator[tuple[datetime, str]]:
        """The last lines, oldest first."""
        return self.containers.logs(self._container(replica)["Id"], tail, since)

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        """Run a command beside the replica's own process."""
        return self.containers.inside(self._container(replica)["Id"], argv, timeout)

    def fetch(self, replica: str, path: str, archive: Path, alive: Alive) -> None:
        """Write a folder of the replica into a new tar archive."""
        transfer.fetch(self.daemon, self._container(replica)["Id"], path, archive, alive)

    def put(self, replica: str, archive: Path, folder: str, alive: Alive) -> None:
        """Unpack a tar archive into a folder of the replica."""
        transfer.put(self.daemon, self._container(replica)["Id"], archive, folder, alive)

    def pull(self, reference: str, say: Say, alive: Alive) -> Image:
        """Fetch an image."""
        return self.images.pull(reference, say, alive)

    def load(self, archive: Path, say: Say, alive: Alive) -> list[Image]:
        """Images from an archive."""
        return self.images.load(archive, say, alive)

    def image(self, reference: str) -> Image | None:
        """An image that is there."""
        return self.images.find(reference)

    def point(self, reference: str, digest: str) -> None:
        """Let a tag point to an image that is there."""
        self.images.point(reference, digest)

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Remove the images that this environment has kept, but those digests."""
        return self.images.prune(keep)

    def _command(
        self,
        argv: Sequence[str],
        variables: Mapping[str, str],
        tag: str = "",
        *,
        seconds: float = COMMAND_SECONDS,
        alive: Alive | None = None,
    ) -> str:
        """What a command printed; raises EngineAway, or EngineError with its last words."""
        environment = self.layout.environment(variables, tag)
        try:
            return shell.run(
                argv, env=environment, cwd=self.layout.folder, timeout=seconds, alive=alive
            )
        except shell.ShellError as error:
            kind = EngineAway if any(word in error.says for word in AWAY) else EngineError
            raise kind(_last_words(error.says) or str(error)) from error


def _last_words(says: str) -> str:
    lines = [line.strip() for line in says.splitlines() if not line.startswith(PROGRESS)]
    return "\n".join(line for line in lines if line)[-2000:]
