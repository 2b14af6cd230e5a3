"""The port to an engine: what is seen of an environment's services, and what is done to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pmscoring.base.progress import Alive

LABEL = "pmscoring.project"
"""On every object of an environment; its value is the environment's project."""
MOST_LINES = 200_000
"""That are asked of a log at once: more than its files hold as they are rotated by default."""
Say = Callable[[str], object]
"""Takes a line of output, without secrets."""


class EngineError(Exception):
    """The engine refused or failed, in its own words."""


class EngineAway(EngineError):
    """The engine does not answer, or not in time; what runs is unknown."""


class NotSupported(EngineError):
    """This kind of engine cannot do it."""


class RollFailed(EngineError):
    """The new replicas did not become healthy; they are gone, and the old ones serve as before."""


class State(StrEnum):
    """What a replica does."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class Health(StrEnum):
    """What its health check says; NONE where it has none."""

    HEALTHY = "healthy"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True)
class Replica:
    """One container, task or process of a service. `digest` is the image's id on this engine."""

    id: str
    name: str
    service: str
    state: State
    health: Health
    health_says: str = ""
    image: str = ""
    digest: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    restarts: int = 0
    addresses: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether it runs, and its check, if it has one, says nothing against it."""
        good = self.health in (Health.HEALTHY, Health.NONE)
        return self.state is State.RUNNING and good


@dataclass(frozen=True)
class Service:
    """A service with the replicas that it should have, and those that it has."""

    name: str
    wanted: int
    replicas: tuple[Replica, ...] = ()
    one_shot: bool = False
    has_check: bool = True
    stopped: int = 0
    """Of those that it should have: stopped, or ended, and not counted by `scale`."""

    @property
    def scaled(self) -> int:
        """The number that `scale` would leave as it is."""
        return self.wanted - self.stopped


@dataclass(frozen=True)
class Counted:
    """Running totals of a replica: seconds of CPU, its own and those that all CPUs of the machine
    had, and the CPU's periods. Two of them, whoever has taken them, say what was in between.
    """

    cpu: float
    system: float
    periods: int = 0
    throttled: int = 0
    cpus: int | None = None
    """Of the machine, those that are online."""

    def cores_since(self, earlier: "Counted") -> float | None:
        """Cores in use: Δcpu / Δsystem × CPUs. None where nothing passed, or totals went back,
        which are those of a replica that was restarted in between.
        """
        used, passed = self.cpu - earlier.cpu, self.system - earlier.system
        return used / passed * self.cpus if self.cpus and passed > 0 and used >= 0 else None

    def throttled_since(self, earlier: "Counted") -> float | None:
        """The share of periods in which it was held back; None where none passed: no limit."""
        periods = self.periods - earlier.periods
        throttled = self.throttled - earlier.throttled
        return min(throttled / periods, 1.0) if periods > 0 and throttled >= 0 else None


@dataclass(frozen=True)
class Usage:
    """Of one replica. Cores and bytes; None where they are not known or not limited."""

    cpu_cores: float | None
    memory_bytes: int | None
    cpu_limit: float | None = None
    memory_limit: int | None = None
    throttled: float | None = None
    """The share of CPU periods in which it was held back, 0 to 1, since the look before."""
    counted: Counted | None = None
    """From which both were computed, for those who keep earlier totals themselves."""


@dataclass(frozen=True)
class Happening:
    """What the engine tells of an object: created, started, died, out of memory, health changed."""

    at: datetime
    service: str
    replica: str
    what: str
    says: str = ""


@dataclass(frozen=True)
class Finished:
    """A command that has ended; `output` is the end of stdout and stderr together."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Image:
    """An image as the engine has it; `digest` is its id there, `repo_digest` the registry's."""

    reference: str
    digest: str
    repo_digest: str = ""
    bytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pruned:
    """The bytes of all images on the engine, before and after some were removed."""

    before: int
    after: int

    @property
    def freed(self) -> int:
        """Never less than none: others may have added images meanwhile."""
        return max(self.before - self.after, 0)


@dataclass(frozen=True)
class Version:
    """What a service is to run: the tag of our images, and the digest that each must have.

    `images` is by service. `variables` are those of the environment; the release's own Compose
    files are those of its ops image.
    """

    tag: str
    images: Mapping[str, Image]
    variables: Mapping[str, str] = field(default_factory=dict)


Judge = Callable[[Sequence[Replica], Sequence[Replica]], None]
"""Looks at the new replicas of a service, and the old ones beside them; raises what undoes them."""


class Engine(Protocol):
    """One environment on one engine. Sees and touches only objects with the environment's label.

    Every call raises EngineAway where the engine does not answer within seconds, and EngineError
    with the engine's words where it refuses.
    """

    kind: str

    # What is seen

    def services(self) -> list[Service]:
        """All services of the environment; health older than three intervals is UNKNOWN."""

    def usage(self) -> dict[str, Usage]:
        """By replica id, all read at once; CPU needs an earlier look by this object."""

    def logs(
        self, replica: str, *, tail: int = 200, since: datetime | None = None
    ) -> Iterator[tuple[datetime, str]]:
        """The last `tail` lines since then, oldest first, redacted; never more than MOST_LINES."""

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """What the engine recorded in between."""

    # What is done

    def scale(self, service: str, replicas: int) -> None:
        """Run so many; a replica that goes is drained. Returns when they run or have gone.

        New ones are of the image that the others run, wherever its tag points by now.
        """

    def restart(self, replica: str, *, grace: timedelta | None = None) -> None:
        """Restart one replica, warm: it has its service's time to end, or `grace` if that is less.

        Swarm knows no other time than the service's.
        """

    def run_once(
        self,
        service: str,
        argv: Sequence[str],
        *,
        version: Version | None = None,
        timeout: timedelta,
        say: Say,
        alive: Alive,
    ) -> Finished:
        """Run a command in a container of its own, with the service's networks and secrets.

        Of the version's image; without a version, of that which runs.
        """

    def end_commands(self, service: str) -> None:
        """End what `run_once` runs as this service for callers that may be dead.

        Returns when all of it has ended; a caller that lives gets EngineError.
        """

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        """Run a command beside the replica's own process."""

    def fetch(self, replica: str, path: str, archive: Path, alive: Alive) -> None:
        """Write a folder of the replica into a new tar archive, its last name before each path."""

    def put(self, replica: str, archive: Path, folder: str, alive: Alive) -> None:
        """Unpack a tar archive into a folder of the replica, owners and modes as they stand there.

        In a container whose root is read-only the folder is on a volume.
        """

    # Deployments

    def pull(self, reference: str, say: Say, alive: Alive) -> Image:
        """Fetch an image; raises EngineError with the registry's own words."""

    def load(self, archive: Path, say: Say, alive: Alive) -> list[Image]:
        """Images from an archive."""

    def image(self, reference: str) -> Image | None:
        """An image that is there."""

    def point(self, reference: str, digest: str) -> None:
        """Let a tag point to an image that is there."""

    def recreates(self, version: Version) -> list[str]:
        """The services that would be recreated, by name; nothing is changed."""

    def commands(self, version: Version, services: Sequence[str]) -> list[list[str]]:
        """What `roll` would run or do for these services, as argv or a deed in words."""

    def roll(self, service: str, version: Version, *, judge: Judge, alive: Alive) -> None:
        """Replace the replicas, new ones first, at the number of the moment.

        The first new replica is judged while the old ones serve; then the others follow, and each
        old one drains. What `judge` and `alive` raise undoes the new ones and is raised again; but
        WrongState, by which `alive` says that another driver has taken over, undoes only what was
        begun since the claim was lost: the rest, new and old, is the other one's.
        """

    def start_driver(self, name: str, argv: Sequence[str], version: Version) -> None:
        """Start a one-shot container of the version's ops image, and do not wait for it."""

    def lay_out(self, version: Version, say: Say, alive: Alive) -> None:
        """Create the whole environment from nothing, secrets included, and wait until healthy."""

    def remains(self) -> list[str]:
        """The names of containers, volumes and networks that are there in the environment's name,
        whoever made them: where there are any, nothing is laid out from nothing.
        """

    def remove(self, say: Say) -> None:
        """Remove the environment's containers, networks, volumes and secrets."""

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Remove our images of this environment, but those digests and what runs."""
