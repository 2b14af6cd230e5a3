"""A Compose project: what the binary makes of its files, and the containers that it has made."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import yaml

from opsconsole.engines.base import Image, Version
from opsconsole.engines.containers import Containers
from opsconsole.engines.layout import Layout
from opsconsole.engines.parsing import Document, is_one_shot
from pmscoring.base.progress import Alive

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
HASH = "com.docker.compose.config-hash"
Command = Callable[..., str]
"""Runs argv with variables and a tag, and returns what it printed."""
ORDER = "x-roll"
LIVE = ("running", "restarting", "paused")


class ComposeProject:
    """Its containers are told apart by labels; those of `docker compose run` are not of a service.

    Compose is only ever asked to *create* containers beside those that are there (`--no-start
    --no-recreate`): then the new ones are known before any of them runs, a stopped one stays
    stopped, and nothing is replaced that was not meant.
    """

    def __init__(self, layout: Layout, containers: Containers, command: Command) -> None:
        self.layout, self.containers, self.command = layout, containers, command
        self.daemon = containers.daemon

    @cached_property
    def configured(self) -> Mapping[str, Mapping[str, Any]]:
        """The services of the files, as Compose reads them."""
        # As YAML, for as JSON the lines that begin with x- are left out.
        text = self.command(self.layout.compose("config"), {})
        services: dict[str, dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["services"]
        # A provider service is a script that Compose runs, and never a container.
        return {name: each for name, each in services.items() if "provider" not in each}

    def lasting(self, service: str = "") -> list[Document]:
        """The containers of a service, or of all of them."""
        wanted = {SERVICE: service} if service else {}
        return [
            container for container in self.containers.all(**wanted) if not is_one_off(container)
        ]

    def running(self, service: str) -> Version | None:
        """The version by which Compose makes another container of the image that runs.

        What runs once has none that runs: then it is that of another service of the same image.
        None where none of them runs, or the files do not name its image.
        """
        container = self._running_like(service)
        configured = str(self.configured.get(service, {}).get("image", ""))
        if container is None or not configured:
            return None
        reference = container["Config"]["Image"]
        tag = tag_in(reference, configured, self.layout.variables.get("VERSION", ""))
        return Version(tag, {service: Image(reference if tag else configured, container["Image"])})

    def _running_like(self, service: str) -> Document | None:
        image = self.configured.get(service, {}).get("image")
        alike = [name for name, each in self.configured.items() if image == each.get("image")]
        by_service: dict[str, Document] = {}
        for container in sorted(self.lasting(), key=number_of):
            if is_live(container) and not is_one_shot(container):
                by_service[service_of(container)] = container
        return next((by_service[name] for name in (service, *alike) if name in by_service), None)

    def hashes(self, version: Version) -> dict[str, str]:
        """Of each service, of what Compose would make it: the label HASH of its containers."""
        argv = self.layout.compose("config", "--hash=*")
        lines = self.command(argv, version.variables, version.tag).splitlines()
        return dict(line.split(" ", 1) for line in lines if line)

    def creating(self, service: str, count: int) -> list[str]:
        """The argv by which Compose brings a service to so many containers, started or not."""
        return self.layout.compose(
            "up",
            "--no-start",
            "--no-deps",
            "--no-recreate",
            "--no-build",
            f"--scale={service}={count}",
            service,
        )

    def create(
        self, service: str, more: int, version: Version | None, alive: Alive | None = None
    ) -> list[str]:
        """Make so many more containers beside those that are there; the ids of the new ones."""
        before = {container["Id"] for container in self.lasting(service)}
        argv = self.creating(service, len(before) + more)
        try:
            self.command(argv, *_of(version), alive=alive)
        except BaseException:
            self.containers.remove(self._made_since(service, before, version))
            raise
        return self._made_since(service, before, version)

    def _made_since(self, service: str, before: set[str], version: Version | None) -> list[str]:
        """Of the version's image: whoever takes over meanwhile, and goes back, makes others."""
        image = version.images[service].digest if version and service in version.images else ""
        return [
            one["Id"]
            for one in sorted(self.lasting(service), key=number_of)
            if one["Id"] not in before and image in ("", one["Image"])
        ]

    def run_detached(
        self, service: str, name: str, argv: Sequence[str], version: Version | None
    ) -> str:
        """Start a container of its own with the service's settings; its id."""
        words = ["run", "--detach", "--no-deps", "--no-TTY", f"--name={name}", service, *argv]
        self.command(self.layout.compose(*words), *_of(version))
        api = self.daemon.api
        found: Document = self.daemon.ask(lambda: api.inspect_container(name))
        return str(found["Id"])

    def is_stop_first(self, service: str) -> bool:
        """Whether two must not run at once, which is so unless the Compose file says otherwise."""
        return bool(self.configured.get(service, {}).get(ORDER) != "start-first")


def _of(version: Version | None) -> tuple[Mapping[str, str], str]:
    return (version.variables, version.tag) if version else ({}, "")


def tag_in(reference: str, configured: str, version: str) -> str:
    """The VERSION with which the files name an image so, as they name `configured` with `version`.

    Empty where no VERSION does.
    """
    name, _colon, suffix = configured.rpartition(f":{version}")
    tag = reference.removeprefix(f"{name}:").removesuffix(suffix)
    return tag if version and reference == f"{name}:{tag}{suffix}" else ""


def service_of(container: Document) -> str:
    """The name of the service that a container is of."""
    return str(container["Config"]["Labels"][SERVICE])


def is_one_off(container: Document) -> bool:
    """Whether `docker compose run` has made it."""
    return bool(container["Config"]["Labels"].get(ONE_OFF) == "True")


def is_live(container: Document) -> bool:
    """Whether it runs, or is about to again."""
    return container["State"]["Status"] in LIVE


def number_of(container: Document) -> tuple[int, str]:
    """What containers of a service are sorted by: the number in their names."""
    number = container["Name"].rpartition("-")[2]
    return int(number) if number.isdecimal() else 0, container["Name"]
