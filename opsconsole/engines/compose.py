"""Docker Compose: seen through the engine's API; the Compose binary makes the containers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext as _

from opsconsole.engines import compose_roll, compose_whole, one_off
from opsconsole.engines.base import (
    EngineError,
    Finished,
    Happening,
    Judge,
    Replica,
    Say,
    Service,
    Version,
)
from opsconsole.engines.compose_project import (
    HASH,
    PROJECT,
    SERVICE,
    ComposeProject,
    is_live,
    is_one_off,
    number_of,
    service_of,
)
from opsconsole.engines.containers import grace_of
from opsconsole.engines.docker_engine import DockerEngine
from opsconsole.engines.layout import Layout
from opsconsole.engines.parsing import Document, check_of, is_one_shot, replica
from pmscoring.base.progress import Alive

OPS = "ops"
"""The service whose image drives deployments."""


class Compose(DockerEngine):
    """An environment that is a Compose project."""

    kind = "compose"

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, {PROJECT: layout.project})
        self.project = ComposeProject(layout, self.containers, self._command)

    # What is seen

    def services(self) -> list[Service]:
        """Those of the files, and those of which there are containers still."""
        at, by_service = datetime.now(UTC), self._by_service()
        names = sorted({*by_service, *self.project.configured})
        return [self._service(name, by_service.get(name, []), at) for name in names]

    def _by_service(self) -> dict[str, list[Document]]:
        by_service: dict[str, list[Document]] = {}
        for container in sorted(self.project.lasting(), key=number_of):
            by_service.setdefault(service_of(container), []).append(container)
        return by_service

    def _service(self, name: str, containers: list[Document], at: datetime) -> Service:
        settings = self.project.configured.get(name, {})
        one_shot = (
            all(map(is_one_shot, containers))
            if containers
            else settings.get("restart", "no").partition(":")[0] in ("no", "on-failure")
        )
        wanted = 0 if one_shot else len(containers) or _replicas(settings)
        return Service(
            name=name,
            wanted=wanted,
            stopped=max(wanted - sum(map(is_live, containers)), 0),
            replicas=tuple(self._replica(container, at) for container in containers),
            one_shot=one_shot,
            has_check=all(check_of(container["Config"]) for container in containers),
        )

    def _replica(self, container: Document, at: datetime) -> Replica:
        return replica(container, service_of(container), self.layout.project, at)

    def _running(self) -> dict[str, str]:
        listed = self.containers.running()
        return {row["Id"]: row["Id"] for row in listed if not is_one_off({"Config": row})}

    def _container(self, replica: str) -> Document:
        return self.containers.one(replica)

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """Of all containers of the project."""
        return self.containers.happenings(since, until, SERVICE, "")

    # What is done

    def scale(self, service: str, replicas: int) -> None:
        """Stopped ones do not count, and go. Of those that run, the sick and the youngest go."""
        containers = self.project.lasting(service)
        live = [one for one in containers if is_live(one)]
        self.containers.remove([one["Id"] for one in containers if not is_live(one)])
        if replicas > len(live):
            with self._as_it_runs(service) as version:
                made = self.project.create(service, replicas - len(live), version)
            self.containers.start(made)
            return
        going = [one["Id"] for one in sorted(live, key=_worth)[: len(live) - replicas]]
        self.containers.stop(going)
        self.containers.remove(going)

    def restart(self, replica: str, *, grace: timedelta | None = None) -> None:
        """Its container."""
        seconds = grace_of(self._container(replica))
        if grace is not None:
            seconds = min(seconds, round(grace.total_seconds()))
        self.daemon.ask(lambda: self.daemon.slow_api.restart(replica, timeout=seconds))

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
        """In a container of the service's settings, of the version's image or that which runs."""
        self._sweep()
        name = f"{self.layout.project}-{service}-run-{uuid4().hex[:12]}"
        if version:
            self._point(version, [service])
            container = self.project.run_detached(service, name, argv, version)
        else:
            with self._as_it_runs(service) as running:
                container = self.project.run_detached(service, name, argv, running)
        return one_off.follow(
            self.containers, container, argv, timeout=timeout, say=say, alive=alive
        )

    @contextmanager
    def _as_it_runs(self, service: str) -> Iterator[Version | None]:
        """The version of what runs, whose tag means that image meanwhile; None: nothing runs."""
        version = self.project.running(service)
        if version is None:
            yield None
            return
        with self.images.meant(version.images[service]):
            yield version

    def end_commands(self, service: str) -> None:
        """They are killed, as when their caller must stop; ended ones stay to be read."""
        self.containers.remove(
            [
                container["Id"]
                for container in self.containers.all(**{SERVICE: service})
                if is_one_off(container) and container["State"]["Status"] != "exited"
            ]
        )

    def _sweep(self) -> None:
        ended = [
            one
            for one in self.containers.all()
            if is_one_off(one) and one["State"]["Status"] == "exited"
        ]
        one_off.sweep(self.containers, ended)

    # Deployments

    def recreates(self, version: Version) -> list[str]:
        """Those of which a container has other settings or another image than it would have."""
        hashes = self.project.hashes(version)
        return [
            service
            for service, containers in self._by_service().items()
            if not all(map(is_one_shot, containers))
            and any(_differs(one, hashes.get(service), version) for one in containers)
        ]

    def commands(self, version: Version, services: Sequence[str]) -> list[list[str]]:
        """Per service: tag, create, judge, and let the old ones go."""
        containers = self._by_service()
        return [
            command
            for service in services
            for command in self._commands(version, service, containers.get(service, []))
        ]

    def _commands(
        self, version: Version, service: str, containers: Sequence[Document]
    ) -> list[list[str]]:
        image, names = version.images[service], [one["Name"].lstrip("/") for one in containers]
        count = len(names) or 1
        tag = ["docker", "tag", image.digest, image.reference]
        create = self.project.creating(service, len(names) + count)
        stop, remove = ["docker", "stop", *names], ["docker", "rm", *names]
        judge = [_("start the new containers of {service} and judge them").format(service=service)]
        if not names:
            return [tag, create, judge]
        if self.project.is_stop_first(service):
            return [tag, create, stop, judge, remove]
        return [tag, create, judge, stop, remove]

    def roll(self, service: str, version: Version, *, judge: Judge, alive: Alive) -> None:
        """New containers beside the old ones; then the old ones drain."""
        self._point(version, [service])
        compose_roll.Roll(self.project, service, version, judge, alive).run()

    def _point(self, version: Version, services: Sequence[str]) -> None:
        for service in services:
            image = version.images.get(service)
            if image is None:
                raise EngineError(_("The release has no image of {name}.").format(name=service))
            self.point(image.reference, image.digest)

    def start_driver(self, name: str, argv: Sequence[str], version: Version) -> None:
        """A one-off container of the operations worker's settings."""
        self._sweep()
        self._point(version, [OPS])
        self.project.run_detached(OPS, name, argv, version)

    def lay_out(self, version: Version, say: Say, alive: Alive) -> None:
        """By one `docker compose up`, whose outcome is seen for ourselves."""
        self._point(version, list(version.images))
        compose_whole.lay_out(self.project, version, say, alive)

    def remains(self) -> list[str]:
        """What Compose would take for this project's, with our label or without."""
        return compose_whole.remains(self.project)

    def remove(self, say: Say) -> None:
        """What has the project's labels, and the contents of its folder of secrets."""
        compose_whole.remove(self.project, say)


def _worth(container: Document) -> tuple[bool, int]:
    """Sorts what may go to the front: what is not healthy, then what is youngest."""
    state = container["State"]
    health = (state.get("Health") or {}).get("Status", "healthy")
    return state["Status"] == "running" and health == "healthy", -number_of(container)[0]


def _differs(container: Document, wanted: str | None, version: Version) -> bool:
    image = version.images.get(service_of(container))
    if image is not None and container["Image"] != image.digest:
        return True
    return bool(container["Config"]["Labels"].get(HASH) != wanted)


def _replicas(settings: Mapping[str, Any]) -> int:
    replicas = (settings.get("deploy") or {}).get("replicas", settings.get("scale", 1))
    return int(replicas)
