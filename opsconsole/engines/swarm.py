"""Docker Swarm: seen and scaled through the engine's API; `docker stack deploy` makes services."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.utils.translation import gettext as _

from opsconsole.engines import compose_whole, one_off, swarm_parsing, swarm_whole
from opsconsole.engines.base import (
    EngineError,
    Finished,
    Happening,
    Judge,
    NotSupported,
    Replica,
    Say,
    Service,
    State,
    Version,
)
from opsconsole.engines.compose_project import ComposeProject
from opsconsole.engines.containers import parsed
from opsconsole.engines.docker_engine import DockerEngine
from opsconsole.engines.layout import Layout
from opsconsole.engines.parsing import Document
from opsconsole.engines.swarm_job import SwarmJob
from opsconsole.engines.swarm_parsing import NAMESPACE, SERVICE, TASK, name_of
from opsconsole.engines.swarm_roll import SwarmRoll
from opsconsole.engines.swarm_services import Spec, SwarmServices
from opsconsole.engines.swarm_stack import HASH, Stack
from pmscoring.base.progress import Alive

OPS = "ops"
SCALING = timedelta(minutes=5)
LOOK_SECONDS = 0.5


class Swarm(DockerEngine):
    """An environment that is a stack. Of tasks on other nodes less is known: no usage, no command
    inside, no restart; Swarm starts them anew where they are sick.
    """

    kind = "swarm"

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, {NAMESPACE: layout.project})
        self.swarm = SwarmServices(self.daemon, layout.project)
        self.stack = Stack(layout, self._command)

    # What is seen

    def services(self) -> list[Service]:
        """Those of the stack."""
        at, services = datetime.now(UTC), self.swarm.all()
        tasks, containers = self.swarm.tasks(services), self._by_task()
        found = (self._service(one, tasks[one["ID"]], containers, at) for one in services)
        return sorted(found, key=lambda service: service.name)

    def _service(
        self,
        service: Document,
        tasks: list[Document],
        containers: dict[str, Document],
        at: datetime,
    ) -> Service:
        name = name_of(service, self.layout.project)
        failed = swarm_parsing.failures(tasks)
        replicas = tuple(
            swarm_parsing.replica(
                task,
                name,
                containers.get(task["ID"]),
                failed.get(swarm_parsing.slot_of(task), 0),
                at,
            )
            for task in swarm_parsing.shown(tasks)
        )
        seen = [containers[task["ID"]]["Config"] for task in tasks if task["ID"] in containers]
        return Service(
            name=name,
            wanted=swarm_parsing.wanted_of(service, tasks),
            replicas=replicas,
            one_shot=swarm_parsing.is_one_shot(service),
            has_check=swarm_parsing.has_check(service, seen),
        )

    def _running(self) -> dict[str, str]:
        return {row["Labels"][TASK]: row["Id"] for row in self.containers.running()}

    def _by_task(self) -> dict[str, Document]:
        """The containers on this node."""
        containers = self.containers.all()
        return {one["Config"]["Labels"][TASK]: one for one in containers}

    def _container(self, replica: str) -> Document:
        found = self.containers.all(**{TASK: replica})
        if found:
            return found[0]
        self.swarm.task(replica)
        raise NotSupported(_("The replica runs on another node."))

    def _seen(self, task: Document) -> Replica:
        service = next(one for one in self.swarm.all() if one["ID"] == task["ServiceID"])
        found = self.containers.all(**{TASK: task["ID"]})
        name = name_of(service, self.layout.project)
        at = datetime.now(UTC)
        return swarm_parsing.replica(task, name, found[0] if found else None, 0, at)

    def logs(
        self, replica: str, *, tail: int = 200, since: datetime | None = None
    ) -> Iterator[tuple[datetime, str]]:
        """Of another node's replica through Swarm, which asks that node."""
        try:
            return super().logs(replica, tail=tail, since=since)
        except NotSupported:
            return parsed(self._remote_logs(replica, tail), since)

    def _remote_logs(self, replica: str, tail: int) -> str:
        words = ["--raw", "--timestamps", f"--tail={tail}"]
        return self._command(["docker", "service", "logs", *words, replica], {})

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """Of the containers on this node."""
        return self.containers.happenings(since, until, SERVICE, TASK)

    # What is done

    def scale(self, service: str, replicas: int) -> None:
        """Swarm chooses which go. Returns when as many run."""

        def change(spec: Spec) -> None:
            if "Replicated" not in spec["Mode"]:
                raise NotSupported(_("{name} cannot be scaled.").format(name=service))
            spec["Mode"]["Replicated"]["Replicas"] = replicas

        changed = self.swarm.update(service, change)
        end = time.monotonic() + SCALING.total_seconds()
        while time.monotonic() < end:
            tasks = self.swarm.tasks([changed])[changed["ID"]]
            if _running(tasks) == replicas:
                return
            time.sleep(LOOK_SECONDS)
        raise EngineError(
            _("{name} did not come to {count} replicas in time.").format(
                name=service, count=replicas
            )
        )

    def restart(self, replica: str, *, grace: timedelta | None = None) -> None:
        """Let its container end; Swarm puts another task in its place."""
        self.containers.stop([self._container(replica)["Id"]])

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
        """In a job of the service's settings, of the version's image where one is given."""
        self._sweep()
        name = f"run-{service}-{uuid4().hex[:12]}"
        self._start_job(name, service, argv, version)
        job = SwarmJob(self.daemon, self.containers, f"{self.layout.project}_{name}")
        return job.follow(argv, timeout=timeout, say=say, alive=alive)

    def end_commands(self, service: str) -> None:
        """By removing their jobs, on whatever node they run."""
        for name in self.swarm.running_jobs(f"run-{service}"):
            SwarmJob(self.daemon, self.containers, name).end()

    def _sweep(self) -> None:
        """Remove jobs that ended a while ago: drivers, and what a killed process had started."""
        for name in self.swarm.ended_jobs(one_off.KEPT):
            SwarmJob(self.daemon, self.containers, name).remove()

    def _start_job(
        self, name: str, service: str, argv: Sequence[str], version: Version | None
    ) -> None:
        document = self.stack.read(version or Version("", {}))
        definition = self.stack.definition(document, service)
        if version is None:
            definition["image"] = _image_of(self._running_like(document, service))
        self.stack.deploy(document, {name: self.stack.once(definition, argv)})

    def _running_like(self, document: Document, service: str) -> Document:
        """The service; or one of the same image that lasts, for what runs once is never rolled."""
        defined = document["services"]
        image = defined[service].get("image")
        alike = [name for name, each in defined.items() if each.get("image") == image]
        lasting = {
            name_of(each, self.layout.project): each
            for each in self.swarm.all()
            if not swarm_parsing.is_one_shot(each)
        }
        like = next((lasting[name] for name in (service, *alike) if name in lasting), None)
        return like or self.swarm.one(service)

    # Deployments

    def recreates(self, version: Version) -> list[str]:
        """Those whose settings or image would change; of one that was deployed by hand, the image
        alone is known.
        """
        document = self.stack.read(version)
        return [
            name
            for one in self.swarm.all()
            if not swarm_parsing.is_one_shot(one)
            and (name := name_of(one, self.layout.project)) in document["services"]
            and _differs(one, document["services"][name])
        ]

    def commands(self, version: Version, services: Sequence[str]) -> list[list[str]]:
        """One `docker stack deploy` of each service alone, and what is done between.

        Raises NotSupported on several nodes: of tasks on others too little is known to judge them.
        """
        if self.daemon.ask(self.daemon.api.info)["Swarm"]["Nodes"] > 1:
            raise NotSupported(
                _("The console deploys on a Swarm of one node; on several, use make swarm-deploy.")
            )
        deploy = ["docker", "stack", "deploy", "--resolve-image=never"]
        return [
            command
            for service in services
            for command in (
                [*deploy, f"--compose-file={service}.json", self.layout.project],
                [_("judge the first new replica of {service}").format(service=service)],
                ["docker", "service", "update", "--update-delay=0s", self._full(service)],
            )
        ]

    def _full(self, service: str) -> str:
        return f"{self.layout.project}_{service}"

    def roll(self, service: str, version: Version, *, judge: Judge, alive: Alive) -> None:
        """The first task is judged beside the others that are still old."""
        SwarmRoll(self.swarm, self.stack, service, version, judge, alive, self._seen).run()

    def start_driver(self, name: str, argv: Sequence[str], version: Version) -> None:
        """A job of the operations worker's settings."""
        self._sweep()
        self._start_job(name, OPS, argv, version)

    def lay_out(self, version: Version, say: Say, alive: Alive) -> None:
        """By one `docker stack deploy`, whose outcome is seen for ourselves."""
        if self._has_secrets:
            compose_whole.write_secrets(self._tools, version, say)
        swarm_whole.lay_out(self.stack, self.services, version, say, alive)

    def remains(self) -> list[str]:
        """What Swarm would take for this stack's, with our label or without."""
        return swarm_whole.remains(self.swarm)

    def remove(self, say: Say) -> None:
        """What has the stack's labels."""
        swarm_whole.remove(self.swarm, self.containers, say)
        if self._has_secrets:
            compose_whole.remove_secrets(self._tools, say)

    @property
    def _has_secrets(self) -> bool:
        return compose_whole.FOLDER in self.layout.variables

    @property
    def _tools(self) -> ComposeProject:
        """What is run by Compose here too: the tool that writes files of secrets."""
        return ComposeProject(self.layout, self.containers, self._command)


def _running(tasks: Sequence[Document]) -> int:
    """How many run, those among them that are on their way out."""
    return sum(swarm_parsing.state_of(task) is State.RUNNING for task in tasks)


def _image_of(service: Document) -> str:
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def _differs(service: Document, definition: Document) -> bool:
    made = swarm_parsing.labels_of(service).get(HASH)
    if made is not None:
        return bool(made != definition["deploy"]["labels"][HASH])
    return _image_of(service) != str(definition["image"])
