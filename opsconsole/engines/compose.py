"""Docker Compose: seen through the engine's API; the Compose binary makes the containers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from opsconsole.engines.base import Happening, Replica, Service
from opsconsole.engines.containers import grace_of
from opsconsole.engines.docker_engine import DockerEngine
from opsconsole.engines.layout import Layout
from opsconsole.engines.parsing import Document, check_of, is_one_shot, replica

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"


class Compose(DockerEngine):
    """An environment that is a Compose project."""

    kind = "compose"

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, {PROJECT: layout.project})

    # What is seen

    def services(self) -> list[Service]:
        """Those of the files, and those of which there are containers still."""
        at, by_service = datetime.now(UTC), self._by_service()
        names = sorted({*by_service, *self._configured})
        return [self._service(name, by_service.get(name, []), at) for name in names]

    def _by_service(self) -> dict[str, list[Document]]:
        by_service: dict[str, list[Document]] = {}
        for container in self._lasting():
            by_service.setdefault(service_of(container), []).append(container)
        return by_service

    def _lasting(self) -> list[Document]:
        """All containers but those of `docker compose run`."""
        return [
            container
            for container in self.containers.all()
            if container["Config"]["Labels"].get(ONE_OFF) != "True"
        ]

    def _service(self, name: str, containers: list[Document], at: datetime) -> Service:
        settings = self._configured.get(name, {})
        one_shot = (
            all(map(is_one_shot, containers))
            if containers
            else settings.get("restart", "no") in ("no", "on-failure")
        )
        return Service(
            name=name,
            wanted=0 if one_shot else len(containers) or _replicas(settings),
            replicas=tuple(sorted((self._replica(one, at) for one in containers), key=_number)),
            one_shot=one_shot,
            has_check=all(check_of(container["Config"]) for container in containers),
        )

    def _replica(self, container: Document, at: datetime) -> Replica:
        return replica(container, service_of(container), self.layout.project, at)

    @cached_property
    def _configured(self) -> Mapping[str, Mapping[str, Any]]:
        """The services of the files, as Compose reads them."""
        argv = self.layout.compose("config", "--format=json")
        services: dict[str, dict[str, Any]] = json.loads(self._command(argv, {}))["services"]
        return services

    def _running(self) -> dict[str, Document]:
        return {container["Id"]: container for container in self._lasting()}

    def _container(self, replica: str) -> Document:
        return self.containers.one(replica)

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """Of all containers of the project."""
        return self.containers.happenings(since, until, SERVICE, "")

    # What is done

    def restart(self, replica: str) -> None:
        """Its container, which has its service's time to end."""
        grace = grace_of(self._container(replica))
        self.daemon.ask(lambda: self.daemon.api.restart(replica, timeout=grace))


def service_of(container: Document) -> str:
    """The name of the service that a container is of."""
    return str(container["Config"]["Labels"][SERVICE])


def _number(replica: Replica) -> tuple[int, str]:
    number = replica.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0, replica.name


def _replicas(settings: Mapping[str, Any]) -> int:
    replicas = (settings.get("deploy") or {}).get("replicas", settings.get("scale", 1))
    return int(replicas)
