"""Small environments of containers that are up in seconds, for the contract tests of engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from opsconsole.engines.base import Engine, Replica, Version
from opsconsole.engines.compose import Compose
from opsconsole.engines.layout import Layout
from opsconsole.engines.swarm import Swarm
from tests.opsconsole.engines import sockets
from tests.opsconsole.engines.contract import WEB
from tests.stack.engine import docker, inspect
from tests.stack.stack import Stack

REGISTRY = "engines.test"
STRANGER = "engines-stranger"
APP = f"{REGISTRY}/pm-scoring-app"
OPS = f"{REGISTRY}/pm-scoring-ops"
LOOK = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/ok', timeout=2)"
CHECK = f"""
    healthcheck:
      test: [CMD, python, -c, "{LOOK}"]
      interval: 1s
      timeout: 3s
      retries: 2
      start_period: 5s
"""
START = 'test -n "$$DYING" && exit 7; test -n "$$SICK" || touch /tmp/ok'
SERVE = f"[sh, -c, '{START}; exec python -m http.server -d /tmp 8000']"


class Versions:
    """Images that differ from the app's in a variable only, each made by a commit."""

    def __init__(self, base: str) -> None:
        self.base, self.numbers = base, count(1)

    def make(self, *changes: str) -> str:
        """A tag, of which there is an image of both names, with these instructions on top."""
        tag = str(next(self.numbers))
        container = docker("create", self.base).strip()
        try:
            words = [f"--change=ENV {change}" for change in (f"RELEASE={tag}", *changes)]
            docker("commit", *words, container, f"{APP}:{tag}")
        finally:
            docker("rm", container)
        docker("tag", f"{APP}:{tag}", f"{OPS}:{tag}")
        return tag

    def remove(self) -> None:
        """All that are left, under whatever name."""
        images = docker("images", "-q", "--filter=reference=engines.test/*:*").split()
        kept = docker("images", "-q", "--filter=reference=pmscoring.kept/engines-*:*").split()
        if gone := {*images, *kept}:
            docker("rmi", "--force", *gone)


class SmallLab:
    """What Compose's and Swarm's labs have in common."""

    unchecked = "unchecked"

    def __init__(self, engine: Compose | Swarm, versions: Versions) -> None:
        self.engine, self.versions = engine, versions
        # Swarm takes an old one away as soon as the first new one is healthy.
        self.beside = 1 if isinstance(engine, Swarm) else 2
        self.layout: Layout = engine.layout

    def version(self, *changes: str) -> Version:
        """A version, with an image for each service."""
        tag = self.versions.make(*changes)
        images = {}
        for service in (WEB, "single", self.unchecked, "once", "ops"):
            image = self.engine.image(f"{OPS if service == 'ops' else APP}:{tag}")
            assert image is not None
            images[service] = image
        return Version(tag, images)

    def good(self) -> Version:
        """Healthy at once."""
        return self.version()

    def sick(self) -> Version:
        """Runs, and its check fails."""
        return self.version("SICK=1")

    def dying(self) -> Version:
        """Ends at once."""
        return self.version("DYING=1")

    def container(self, replica: Replica) -> str:
        """The id of the replica's container."""
        return str(self.engine._container(replica.id)["Id"])

    def ended(self, name: str) -> tuple[int, str] | None:
        """By the engine's own word; on Swarm the container's name has more after it."""
        ids = docker("ps", "-aq", f"--filter=name={name}", "--filter=status=exited").split()
        return next(((t["State"]["ExitCode"], t["Image"]) for t in inspect(*ids)), None)

    def pack(self, reference: str, archive: Path) -> None:
        """By `docker save`, then all its names go."""
        docker("save", "--output", str(archive), reference)
        [image] = inspect(reference)
        docker("rmi", "--force", *image["RepoTags"])

    def keep(self, image: str) -> None:
        """As another environment would."""
        docker("tag", image, "pmscoring.kept/engines-other:1")

    def strangers(self) -> set[str]:
        """A container, a volume and a network of another project, and images of others."""
        own = f"label=pmscoring.project={STRANGER}"
        return {
            *docker("ps", "-q", f"--filter={own}").split(),
            *docker("volume", "ls", "-q", f"--filter={own}").split(),
            *docker("network", "ls", "-q", f"--filter={own}").split(),
            *docker("images", "-q", app_image()).split(),
            *docker("images", "-q", "pmscoring.kept/engines-other").split(),
        }

    def sicken(self, replica: Replica) -> None:
        """Let its check find no page."""
        docker("exec", self.container(replica), "rm", "/tmp/ok")

    def says(self, replica: Replica, line: str) -> None:
        """Write to the output of its first process."""
        docker("exec", self.container(replica), "sh", "-c", f"echo '{line}' >/proc/1/fd/1")

    def at(self, path: Path) -> Engine:
        """The same environment on the engine at another socket."""
        return type(self.engine)(replace(self.layout, socket=f"unix://{path}"))

    @contextmanager
    def away(self) -> Iterator[Engine]:
        """At a socket that is not there."""
        yield self.at(Path("/run/no-such-engine.sock"))

    @contextmanager
    def hanging(self) -> Iterator[Engine]:
        """At a socket that is never answered."""
        with sockets.silent_unix() as path:
            yield self.at(path)

    @contextmanager
    def slow(self) -> Iterator[Engine]:
        """Behind a proxy that waits."""
        with sockets.slow_unix(Path("/var/run/docker.sock"), seconds=1.0) as path:
            yield self.at(path)


@contextmanager
def strangers(project: str, label: str) -> Iterator[None]:
    """A container that only the runner's label gives to the project, and things of another one."""
    own = [f"--label=pmscoring.project={STRANGER}"]
    docker("volume", "create", *own, STRANGER)
    docker("network", "create", *own, STRANGER)
    docker(
        "run", "--detach", f"--name={STRANGER}", f"--label={label}={project}", *own,
        f"--network={STRANGER}", f"--volume={STRANGER}:/data", app_image(), "sleep", "600",
    )  # fmt: skip
    try:
        yield
    finally:
        docker("rm", "--force", STRANGER)
        docker("network", "rm", STRANGER)
        docker("volume", "rm", STRANGER)


def app_image() -> str:
    """The image of the web containers that is tested."""
    return Stack(Path(), "").app
