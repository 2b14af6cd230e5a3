"""An engine in memory: services, images with behaviours, faults at any call, requests served.

It knows the rules of the port and no more: what a roll leaves behind when it is killed, what a
registry says, which replica answers a request. Its clock stands still unless a test moves it.

    fake = Fake()                                # the product, version 1, healthy
    fake.publish("2", Behaviour(healthy=False))  # version 2 lies in the registry
    fake.fail("pull", EngineError("denied"))     # the next call of pull fails
    fake.before = hook                           # called at every call, and between their steps
"""

import json
import logging
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from django.utils.timezone import now

from opsconsole.engines.base import (
    MOST_LINES,
    EngineAway,
    EngineError,
    Finished,
    Happening,
    Health,
    Image,
    Judge,
    NotSupported,
    Pruned,
    Replica,
    RollFailed,
    Say,
    Service,
    State,
    Usage,
    Version,
)
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import Alive
from tests.opsconsole.engines import requests_logged

log = logging.getLogger(__name__)
REGISTRY = "pmscoring.local"
OURS = {"web": "app", "worker": "app", "beat": "app", "inference": "inference", "ops": "ops"}
"""Our services, and the image that each runs: pm-scoring-<part>."""
OTHERS = {
    "postgres": "postgres:17",
    "broker": "redis:8",
    "cache": "redis:8",
    "haproxy": "haproxy:3",
}
STOP_FIRST = ("beat",)


class Died(BaseException):
    """The process was killed: whoever drives the engine gets no chance to undo anything."""


@dataclass(frozen=True)
class Migration:
    """A migration, as `release_facts` tells of it."""

    name: str
    incompatible: tuple[str, ...] = ()
    irreversible: bool = False

    def document(self) -> dict[str, object]:
        return {
            "app": "scoring",
            "name": self.name,
            "incompatible": list(self.incompatible),
            "irreversible": self.irreversible,
        }


@dataclass(frozen=True)
class Behaviour:
    """How the containers of an image behave."""

    healthy: bool = True
    has_check: bool = True
    crashes: bool = False
    """It is restarted again and again once it runs, and says that it is healthy meanwhile."""
    errors: float = 0.0
    """The share of requests that it answers with 500."""
    milliseconds: int = 40
    canary: bool = True
    migrates: bool = True
    starts: bool = True
    """Whether its management commands run at all."""
    migrations: tuple[Migration, ...] = ()
    """Those of its app `scoring` after the first, which is always there."""


GOOD = Behaviour()
FIRST = Migration("0001_first")


def reference(part: str, tag: str) -> str:
    """The name of one of our images."""
    return f"{REGISTRY}/pm-scoring-{part}:{tag}"


@dataclass
class FakeService:
    """A service; `wanted` is what was asked for last."""

    name: str
    wanted: int
    replicas: list[Replica] = field(default_factory=list)


class Fake:
    """One environment in memory. `calls` lists what was called, `ran` the one-off commands."""

    kind = "compose"

    def __init__(self, tag: str = "1", behaviour: Behaviour = GOOD) -> None:
        self.now: datetime = now()
        self.numbers = count(1)
        self.images: dict[str, Image] = {}
        self.brought: set[str] = set()
        self.behaviours: dict[str, Behaviour] = {}
        self.registry: dict[str, Image] = {}
        self.bundles: dict[Path, list[Image]] = {}
        self.services_: dict[str, FakeService] = {}
        self.calls: list[str] = []
        self.ran: list[tuple[str, tuple[str, ...], str]] = []
        self.left: list[tuple[str, tuple[str, ...], Behaviour]] = []
        self.drivers: list[tuple[str, tuple[str, ...], Version]] = []
        self.lines: list[tuple[datetime, str]] = [(self.now, "[NOTICE] (1) : Loading success.")]
        self.said: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        self.happened: list[Happening] = []
        self.answers: dict[str, Finished] = {}
        self.folders: dict[str, bytes] = {}
        self.served: Counter[str] = Counter()
        self.migrated: dict[str, Migration] = {FIRST.name: FIRST}
        self.before: Callable[[str], object] = lambda step: None
        self._faults: dict[str, list[BaseException]] = defaultdict(list)
        self._turn = count()
        for part in sorted(set(OURS.values())):
            self._have(self.image_of(part, tag, behaviour))
        for name, image in OTHERS.items():
            self._have(Image(image, f"sha256:{name}-image", bytes=100))
            self.services_[name] = FakeService(name, 1)
        for name in OURS:
            self.services_[name] = FakeService(name, 1)
        for service in self.services_.values():
            self._run(service, self._image_for(service.name, tag), healthy=True)

    # What a test arranges

    def image_of(self, part: str, tag: str, behaviour: Behaviour = GOOD) -> Image:
        """An image that behaves so; it is nowhere yet."""
        digest = f"sha256:{part}-{tag}-{next(self.numbers)}"
        self.behaviours[digest] = behaviour
        repo = f"{REGISTRY}/pm-scoring-{part}@sha256:{part}-{tag}"
        return Image(reference(part, tag), digest, repo, 100, {"pmscoring.part": part})

    def publish(self, tag: str, behaviour: Behaviour = GOOD) -> None:
        """Put a version of all our images into the registry."""
        for part in sorted(set(OURS.values())):
            self.registry[reference(part, tag)] = self.image_of(part, tag, behaviour)

    def build(self, tag: str, behaviour: Behaviour = GOOD) -> None:
        """Let a version of all our images be on the engine, as a build leaves it there."""
        for part in sorted(set(OURS.values())):
            self._have(self.image_of(part, tag, behaviour))

    def pack(self, archive: Path, tag: str, behaviour: Behaviour = GOOD) -> None:
        """Let the archive carry a version of all our images."""
        parts = sorted(set(OURS.values()))
        self.bundles[archive] = [self.image_of(part, tag, behaviour) for part in parts]

    def fail(self, step: str, *errors: BaseException) -> None:
        """Let the next calls of this name, or the next arrivals at this step, raise these."""
        self._faults[step] += errors

    def serve(self, requests: int = 1, every: timedelta = timedelta(milliseconds=20)) -> int:
        """Send requests through HAProxy, one after another; returns how many failed."""
        failed = 0
        for _ in range(requests):
            failed += not self._serve_one()
            self.now += every
        return failed

    def sicken(self, replica: str, says: str = "connection refused") -> None:
        """Let a replica be unhealthy."""
        self.change(replica, health=Health.UNHEALTHY, health_says=says)

    def change(self, replica: str, **changes: object) -> None:
        """Change what is seen of a replica."""
        service = self._service_with(replica)
        service.replicas = [
            replace(seen, **changes) if seen.id == replica else seen  # type: ignore[arg-type]
            for seen in service.replicas
        ]

    def finish_left(self) -> None:
        """Let the commands whose callers were killed, or lost the engine, come to their end."""
        for _service, argv, behaviour in self.left:
            self._answer(argv, behaviour)
        self.left = []

    def running(self, service: str) -> list[Replica]:
        """The running replicas, healthy or not."""
        there = self.services_[service].replicas
        return [replica for replica in there if replica.state is State.RUNNING]

    def digests(self, service: str) -> set[str]:
        """Of the running replicas."""
        return {replica.digest for replica in self.running(service)}

    # What is seen

    def services(self) -> list[Service]:
        """All services."""
        self._step("services")
        return [
            Service(
                service.name,
                service.wanted,
                tuple(service.replicas),
                has_check=all(self._behaviour(seen).has_check for seen in service.replicas),
            )
            for service in self.services_.values()
        ]

    def usage(self) -> dict[str, Usage]:
        """Half a core and 100 MiB for each."""
        self._step("usage")
        usage = Usage(0.5, 100 * 2**20, 2.0, 2**30, 0.0)
        return {
            replica.id: usage
            for service in self.services_.values()
            for replica in service.replicas
            if replica.state is State.RUNNING
        }

    def logs(
        self, replica: str, *, tail: int = 200, since: datetime | None = None
    ) -> Iterator[tuple[datetime, str]]:
        """Requests for HAProxy; for the others what a test has put into `said`."""
        self._step("logs")
        lines = self.lines if self._service_with(replica).name == "haproxy" else self.said[replica]
        chosen = [(at, text) for at, text in lines if since is None or at >= since]
        yield from chosen[-min(tail, MOST_LINES) :]

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """What was recorded in between."""
        self._step("happenings")
        return [happening for happening in self.happened if since <= happening.at < until]

    # What is done

    def scale(self, service: str, replicas: int) -> None:
        """Run so many of the image of the moment."""
        self._step("scale")
        there = self._service(service)
        image = self._image_of_running(there)
        there.wanted = replicas
        while len(there.replicas) < replicas:
            self._run(there, image)
        for replica in there.replicas[replicas:]:
            self._stop(there, replica)

    def restart(self, replica: str, *, grace: timedelta | None = None) -> None:
        """It is as healthy afterwards as its image is."""
        self._step("restart")
        service = self._service_with(replica)
        seen = next(seen for seen in service.replicas if seen.id == replica)
        health = self._health(seen.digest)
        self.change(
            replica, health=health, health_says="", state=State.RUNNING, started_at=self.now
        )
        self._happen(service.name, replica, "restarted")

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
        """`answers` by the management command's name; `migrate` by the image's behaviour."""
        self._step("run_once")
        running = "web" if service == "migrate" else service
        image = version.images[service] if version else self._image_of_running_service(running)
        self.ran.append((service, tuple(argv), image.digest))
        try:
            self._step(f"run_once {_command(argv)}")
        except (Died, EngineAway):
            self.left.append((service, tuple(argv), self.behaviours.get(image.digest, GOOD)))
            raise
        alive()
        finished = self._answer(argv, self.behaviours.get(image.digest, GOOD))
        for text in finished.output.splitlines():
            say(text)
        return finished

    def end_commands(self, service: str) -> None:
        """What killed callers have left of it does nothing any more."""
        self._step("end_commands")
        self.left = [each for each in self.left if each[0] != service]

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        """Probes and the canary by the image's behaviour."""
        self._step("inside")
        service = self._service_with(replica)
        seen = next(seen for seen in service.replicas if seen.id == replica)
        self.ran.append((service.name, tuple(argv), seen.digest))
        behaviour = self.behaviours.get(seen.digest, GOOD)
        if "requests" in argv:
            return self._probed(behaviour, int(argv[-1]))
        if "canary" in argv:
            says = "" if behaviour.canary else "the canary answer got 0 of 10 points"
            return Finished(0 if behaviour.canary else 1, says)
        return self._answer(argv, behaviour)

    def fetch(self, replica: str, path: str, archive: Path, alive: Alive) -> None:
        """From `folders`, where `put` puts archives too."""
        self._step("fetch")
        self._service_with(replica)
        if path not in self.folders:
            raise EngineError(f"Could not find the file {path}")
        alive()
        archive.write_bytes(self.folders[path])

    def put(self, replica: str, archive: Path, folder: str, alive: Alive) -> None:
        """By the folder and the first name in the archive."""
        self._step("put")
        self._service_with(replica)
        alive()
        with tarfile.open(archive) as tar:
            top = tar.getnames()[0].split("/")[0]
        self.folders[f"{folder}/{top}"] = archive.read_bytes()

    # Deployments

    def pull(self, reference: str, say: Say, alive: Alive) -> Image:
        """From `registry`."""
        self._step("pull")
        if reference not in self.registry:
            raise EngineError(f"manifest for {reference} not found: manifest unknown")
        say(f"pulled {reference}")
        alive()
        return self._bring(self.registry[reference])

    def load(self, archive: Path, say: Say, alive: Alive) -> list[Image]:
        """From `bundles`."""
        self._step("load")
        if archive not in self.bundles:
            raise EngineError(f"open {archive}: no such file or directory")
        alive()
        return [self._bring(image) for image in self.bundles[archive]]

    def image(self, reference: str) -> Image | None:
        """By name or by digest."""
        self._step("image")
        by_digest = {image.digest: image for image in self.images.values()}
        return self.images.get(reference) or by_digest.get(reference)

    def point(self, reference: str, digest: str) -> None:
        """The image must be there."""
        self._step("point")
        if digest not in self._digests_here():
            raise EngineError(f"No such image: {digest}")
        known = next(image for image in self._all_images() if image.digest == digest)
        self.images[reference] = replace(known, reference=reference)
        self.brought.add(digest)

    def recreates(self, version: Version) -> list[str]:
        """Those that run another image than the version's."""
        self._step("recreates")
        return [
            name for name, image in version.images.items()
            if name in self.services_ and self.digests(name) != {image.digest}
        ]  # fmt: skip

    def commands(self, version: Version, services: Sequence[str]) -> list[list[str]]:
        """A line for each service."""
        self._step("commands")
        return [
            ["docker", "compose", "up", "-d", "--no-deps", name, f"# {version.tag}"]
            for name in services
        ]

    def roll(self, service: str, version: Version, *, judge: Judge, alive: Alive) -> None:
        """New replicas first, but for beat; the first is judged; each old one is then stopped."""
        self._step("roll")
        there = self._service(service)
        image = version.images[service]
        if image.digest not in self._digests_here():
            raise EngineError(f"No such image: {image.digest}")
        old = [replica for replica in there.replicas if replica.digest != image.digest]
        have = [replica for replica in there.replicas if replica.digest == image.digest]
        try:
            self._bring_in(there, image, old, have, judge, alive)
        except WrongState:
            # Another one drives: new and old ones are for it to end.
            raise
        except Exception:
            _refuse_if_taken(alive)
            self._undo(there, image, old, have)
            raise
        for replica in old:
            # Once old ones go there is no undoing: whoever has taken over counts on them. So the
            # heartbeat is the last thing before.
            self._step("roll: stopping an old one")
            alive()
            self._stop(there, replica)
        for replica in there.replicas[there.wanted :]:
            alive()
            self._stop(there, replica)

    def start_driver(self, name: str, argv: Sequence[str], version: Version) -> None:
        """It is listed in `drivers`; a test runs it."""
        self._step("start_driver")
        self.drivers.append((name, tuple(argv), version))
        self._step("start_driver: started")

    def lay_out(self, version: Version, say: Say, alive: Alive) -> None:
        """All services, with one replica each."""
        self._step("lay_out")
        others = {name: self.images[image] for name, image in OTHERS.items()}
        ours = {name: image for name, image in version.images.items() if name in OURS}
        for name, image in {**others, **ours}.items():
            service = self.services_.setdefault(name, FakeService(name, 1))
            if not service.replicas:
                self._run(service, image)
            say(f"{name} runs")
            alive()
            if service.replicas[-1].health is Health.UNHEALTHY:
                raise EngineError(f"{name} is unhealthy")

    def remains(self) -> list[str]:
        """The names of replicas."""
        self._step("remains")
        return [seen.name for each in self.services_.values() for seen in each.replicas]

    def remove(self, say: Say) -> None:
        """Nothing is left."""
        self._step("remove")
        self.services_.clear()

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Our images that came by this environment, that nobody runs or wants to keep."""
        self._step("prune")
        used = {seen.digest for each in self.services_.values() for seen in each.replicas}
        gone = {
            name: image for name, image in self.images.items()
            if image.digest in self.brought and image.digest not in {*keep, *used}
        }  # fmt: skip
        before = self._stored()
        self.images = {name: image for name, image in self.images.items() if name not in gone}
        return Pruned(before, self._stored())

    # How it works inside

    def _stored(self) -> int:
        """An image has a reference, and its digest as another one."""
        return sum({image.digest: image.bytes for image in self.images.values()}.values())

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if self._faults[name]:
            raise self._faults[name].pop(0)
        self.before(name)

    def _bring_in(
        self,
        there: FakeService,
        image: Image,
        old: list[Replica],
        have: list[Replica],
        judge: Judge,
        alive: Alive,
    ) -> None:
        """Run as many new ones as are wanted. What a killed roll has left counts as new."""
        if there.name in STOP_FIRST:
            for replica in old:
                self._step("roll: stopping first")
                alive()
                self._stop(there, replica)
        for number in range(there.wanted - len(have)):
            self._step("roll: starting a new one")
            new = self._run(there, image)
            try:
                alive()
            except WrongState:
                # Whoever has taken over may have ended before it was made.
                self._stop(there, new)
                raise
            self._step("roll: waiting for its health")
            if new.health is not Health.HEALTHY:
                raise RollFailed(f"{new.name} is {new.health}: {new.health_says}")
            if number == 0:
                judge([replica for replica in there.replicas if replica.id == new.id], old)
        for replica in have:
            if replica.health is not Health.HEALTHY:
                raise RollFailed(f"{replica.name} is {replica.health}: {replica.health_says}")

    def _undo(
        self, there: FakeService, image: Image, old: list[Replica], have: list[Replica]
    ) -> None:
        """Back to what was there; a killed one's new replicas are not ours to keep either."""
        if not old:
            there.replicas = [seen for seen in there.replicas if seen in have]
            return
        there.replicas = [seen for seen in there.replicas if seen.digest != image.digest]
        for replica in old:
            if replica not in there.replicas:
                there.replicas.append(replica)

    def _run(self, service: FakeService, image: Image, *, healthy: bool | None = None) -> Replica:
        number = next(self.numbers)
        health = Health.HEALTHY if healthy else self._health(image.digest)
        crashes = self.behaviours.get(image.digest, GOOD).crashes
        replica = Replica(
            id=f"{service.name}-{number:04}",
            name=f"pmscoring-{service.name}-{number}",
            service=service.name,
            state=State.RUNNING,
            health=health,
            health_says="connection refused" if health is Health.UNHEALTHY else "",
            image=image.reference,
            digest=image.digest,
            started_at=self.now,
            restarts=3 if crashes else 0,
            addresses=(f"172.28.{number // 250}.{number % 250}",),
        )
        service.replicas.append(replica)
        self._happen(service.name, replica.id, "started")
        return replica

    def _stop(self, service: FakeService, replica: Replica) -> None:
        service.replicas = [seen for seen in service.replicas if seen.id != replica.id]
        self._happen(service.name, replica.id, "stopped")

    def _happen(self, service: str, replica: str, what: str) -> None:
        self.happened.append(Happening(self.now, service, replica, what))

    def _health(self, digest: str) -> Health:
        behaviour = self.behaviours.get(digest, GOOD)
        if not behaviour.has_check:
            return Health.NONE
        return Health.HEALTHY if behaviour.healthy else Health.UNHEALTHY

    def _behaviour(self, replica: Replica) -> Behaviour:
        return self.behaviours.get(replica.digest, GOOD)

    def _service(self, name: str) -> FakeService:
        if name not in self.services_:
            raise EngineError(f"no such service: {name}")
        return self.services_[name]

    def _service_with(self, replica: str) -> FakeService:
        for service in self.services_.values():
            if any(seen.id == replica for seen in service.replicas):
                return service
        raise EngineError(f"No such container: {replica}")

    def _image_for(self, service: str, tag: str) -> Image:
        name = reference(OURS[service], tag) if service in OURS else OTHERS[service]
        return self.images[name]

    def _image_of_running_service(self, name: str) -> Image:
        return self._image_of_running(self._service(name))

    def _image_of_running(self, service: FakeService) -> Image:
        if not service.replicas:
            raise NotSupported(f"{service.name} has no replica")
        digest = service.replicas[-1].digest
        return next(image for image in self._all_images() if image.digest == digest)

    def _have(self, image: Image) -> Image:
        self.images[image.reference] = image
        self.images.setdefault(image.digest, image)
        return image

    def _bring(self, image: Image) -> Image:
        self.brought.add(image.digest)
        return self._have(image)

    def _all_images(self) -> list[Image]:
        return list(self.images.values())

    def _digests_here(self) -> set[str]:
        return {image.digest for image in self.images.values()}

    def _serve_one(self) -> bool:
        healthy = [seen for seen in self.running("web") if seen.health is Health.HEALTHY]
        turn = next(self._turn)
        if not healthy:
            self.lines.append((self.now, requests_logged.line(self.now, "-", 503, 0)))
            return False
        replica = healthy[turn % len(healthy)]
        behaviour = self._behaviour(replica)
        self.served[replica.digest] += 1
        each = round(1 / behaviour.errors) if behaviour.errors else 0
        bad = bool(each) and self.served[replica.digest] % each == 0
        text = requests_logged.line(
            self.now, replica.addresses[0], 500 if bad else 200, behaviour.milliseconds
        )
        self.lines.append((self.now, text))
        return not bad

    def _probed(self, behaviour: Behaviour, requests: int) -> Finished:
        failed = round(requests * behaviour.errors)
        answer = {
            "ok": requests - failed, "failed": failed, "p95_ms": float(behaviour.milliseconds)
        }  # fmt: skip
        return Finished(0, json.dumps(answer))

    def _facts(self, behaviour: Behaviour) -> dict[str, object]:
        known = {each.name: each for each in (FIRST, *behaviour.migrations)}
        missing = [each for name, each in known.items() if name not in self.migrated]
        beyond = [each for name, each in sorted(self.migrated.items()) if each is not FIRST]
        return {
            "applied": {"scoring": sorted(self.migrated)},
            "migrations": {"scoring": sorted(known)},
            "missing": [each.document() for each in missing],
            "ahead": sorted(f"scoring.{name}" for name in self.migrated if name not in known),
            "back": [each.document() for each in reversed(beyond)],
            "files": {"compose.yaml": "0" * 64},
            "fingerprints": [["secret_key", "0" * 16]],
        }

    def _migrate(self, argv: Sequence[str], behaviour: Behaviour) -> Finished:
        if argv[-2] == "scoring":
            self.migrated = {name: each for name, each in self.migrated.items() if name <= argv[-1]}
            return Finished(0, f"Unapplying all after {argv[-1]}")
        self.migrated |= {each.name: each for each in behaviour.migrations}
        return Finished(0, "Applying all migrations")

    def _answer(self, argv: Sequence[str], behaviour: Behaviour) -> Finished:
        command = _command(argv)
        if not behaviour.starts:
            return Finished(1, "ModuleNotFoundError: No module named 'pmscoring'")
        if command in self.answers:
            return self.answers[command]
        if command == "release_facts":
            return Finished(0, json.dumps(self._facts(behaviour)))
        if command == "migrate":
            if not behaviour.migrates:
                return Finished(1, 'django.db.utils.ProgrammingError: column "x" does not exist')
            return self._migrate(argv, behaviour)
        if command == "backup":
            uid = "7d4ad0c2-3c1e-4d3e-9e59-111111111111"
            return Finished(0, json.dumps({"id": uid, "verified": True, "state": "stored"}))
        return Finished(0, "")


def _refuse_if_taken(alive: Alive) -> None:
    """Raise WrongState where another one drives; nothing else hinders what is undone."""
    try:
        alive()
    except WrongState:
        raise
    except Exception as error:  # noqa: BLE001
        log.debug("undone all the same: %s", error)


def _command(argv: Sequence[str]) -> str:
    """The management command's name, or the program's."""
    words = list(argv)
    if "manage.py" in words[:-1]:
        return words[words.index("manage.py") + 1]
    return words[0]
