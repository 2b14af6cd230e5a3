"""A small site in which versions are deployed while a caller calls, and how it all is told."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.drills.onlookers import Client, Receiver
from tests.stack import round_trip, versions
from tests.stack.callers import Api
from tests.stack.engine import EngineError, docker, inspect, wait_for
from tests.stack.exams import load_exam
from tests.stack.registry import Registry
from tests.stack.stack import Container, Stack

HERE = "production"
"""What the console calls this site."""
OURS = {"inference": "inference", "worker": "app", "web": "app", "beat": "app", "ops": "ops"}
"""Our services, and which of our images each one has."""
ENDED = ("live", "rolled_back", "failed", "cancelled")


@dataclass
class Site(Stack):
    """Production's settings with the tests' small sizes; all but PostgreSQL's and Redis's moves."""

    project: str = "pmscoring-deploy"
    overlays: Sequence[str] = ("production", "test")
    soak: int = 15
    """Seconds for which a new version is watched."""

    @property
    def environment(self) -> dict[str, str]:
        """As the operations worker is told of it too."""
        return {
            **super().environment,
            "OVERLAYS": " ".join(self.overlays),
            "COMPOSE_PROFILES": "ops",
            "SOAK_SECONDS": str(self.soak),
            "POSTGRES_MEMORY": "512M",
            "POSTGRES_MEMORY_RESERVED": "128M",
            "WEB_MEMORY_RESERVED": "128M",
            "WORKER_MEMORY_RESERVED": "128M",
            "INFERENCE_MEMORY_RESERVED": "256M",
            "INFERENCE_THREADS": "1",
            **self.more,
        }

    @property
    def url(self) -> str:
        """Where HAProxy answers."""
        return f"http://127.0.0.1:{self.ports['HAPROXY']}"

    @property
    def tag(self) -> str:
        """The version with which it was started."""
        return os.environ.get("VERSION") or "0.1.0"

    def use_registry(self, registry: Registry) -> None:
        """Give the operations worker a registry, with a login that has expired, and nothing else.

        What runs keeps its containers: they have the same images under another name.
        """
        self.write_login(registry)
        self.more["REGISTRY_URL"] = registry.name
        self.compose("up", "-d", "--no-build", "--no-deps", "--wait", "ops", timeout=180)
        self.wait_until_known(registry)

    def write_login(self, registry: Registry) -> None:
        """The expired one; and give the images the registry's name."""
        logins = self.secrets / "registry"
        logins.mkdir(mode=0o755, exist_ok=True)
        shutil.copy(registry.logins("expired-login") / "config.json", logins)
        (logins / "config.json").chmod(0o444)
        for part in versions.PARTS:
            here = versions.name(part, self.tag)
            docker("tag", here, f"{registry.name}/pm-scoring-{part}:{self.tag}")

    def wait_until_known(self, registry: Registry) -> None:
        """Until the operations worker has recorded it."""
        variable = "Environment.objects.get(is_here=True).variables.get('REGISTRY_URL')"
        wanted = f"{variable} == {registry.name!r}"
        wait_for(lambda: self.of_console(wanted), 120, "the site knows its registry")

    def api(self) -> Api:
        """Its REST API, with an exam."""
        verify = not self.url.startswith("https:")
        made = Api(self.url, self.issue_token(), verify=verify)
        load_exam(made)
        return made

    def containers(self, service: str = "", ended: bool = False) -> list[Container]:
        """Without those of one-offs, which are of a service too."""
        found = super().containers(service, ended)
        return [each for each in found if not each.is_one_off]

    def begin(self) -> None:
        """From nothing until the console has entered it and somebody can sign in."""
        self.write_secrets()
        self.started_in = self.up()
        wait_for(self.has_entered, 120, "the site has entered itself")
        round_trip.make_user(self)

    # Deployments

    def has_entered(self) -> bool:
        """Whether the operations worker has entered the site as an environment."""
        return bool(
            self.of_console("Environment.objects.filter(is_here=True, seen__isnull=False).count()")
        )

    def of_console(self, expression: str) -> Any:
        """The value of an expression over the console's models, as JSON carries it."""
        script = (
            "import json; from opsconsole.models import *;"
            f" print(json.dumps({expression}, default=str))"
        )
        return json.loads(self.manage("shell", "-v", "0", "-c", script).splitlines()[-1])

    def deploy(self, *words: str, verb: str = "deploy", timeout: float = 600) -> dict[str, Any]:
        """What the row says in the end, whatever it is; `words` follow the environment's code."""
        argv = ["python", "manage.py", verb, HERE, *words, "--yes", "--json"]
        before = len(self.deployments())
        try:
            printed = docker("exec", self.container("ops").id, *argv, timeout=timeout)
            if "plan" in (document := last_document(printed)):
                return document
        except EngineError as error:
            # Of one that did not become live, or the container went with its last step.
            print(error)
        wait_for(lambda: self.deployments()[0]["state"] in ENDED, timeout, "the deployment ends")
        rows = self.deployments()
        assert len(rows) == before + 1, "nothing was deployed"
        return rows[0]

    def deployments(self) -> list[dict[str, Any]]:
        """All of them, the newest first."""
        rows: list[dict[str, Any]] = json.loads(
            self.manage("deployments", HERE, "--json").splitlines()[-1]
        )
        return rows

    def events(self, deployment: dict[str, Any]) -> list[dict[str, Any]]:
        """What was recorded of a deployment, the oldest first."""
        key = f"Deployment.objects.get(uid='{deployment['id']}').pk"
        rows: list[dict[str, Any]] = self.of_console(
            f"list(Event.objects.filter(object_type='deployment', object_id=str({key}))"
            ".order_by('number').values('deed', 'result', 'actor', 'source', 'details'))"
        )
        return rows

    def ids(self, *services: str) -> dict[str, set[str]]:
        """The ids of the containers of these services, or of all."""
        by_service: dict[str, set[str]] = {}
        for each in self.containers():
            if not services or each.service in services:
                by_service.setdefault(each.service, set()).add(each.id)
        return by_service

    def assert_told(
        self, deployment: dict[str, Any], receiver: Receiver, deed: str, *words: str
    ) -> None:
        """The row, its log, an event and a notice all give the same reason, with these words."""
        reason = deployment["reason"]
        assert all(word in reason for word in words), reason
        failed = [step for step in deployment["steps"] if step["state"] == "failed"]
        assert any(reason in step["says"] for step in failed), deployment["steps"]
        last = self.events(deployment)[-1]
        assert (last["deed"], last["result"]) == (deed, "failed")
        assert last["details"]["reason"] == reason
        notice = receiver.wait_for(deployment["to"].split()[0], reason[:200])
        assert deed.split(".")[1].replace("_", " ") in str(notice), notice

    def all_containers(self) -> list[Container]:
        """Also one-offs, which drive deployments."""
        label = f"--filter=label=com.docker.compose.project={self.project}"
        return [Container(each) for each in inspect(*docker("ps", "-q", label).split())]

    def digests(self) -> dict[str, set[str]]:
        """The images of our own services, by their ids."""
        by_service: dict[str, set[str]] = {name: set() for name in OURS}
        for each in self.containers():
            if each.service in OURS:
                by_service[each.service].add(each.told["Image"])
        return by_service

    def assert_went_as_planned(self, plan: dict[str, Any], before: list[Container]) -> None:
        """Those containers were replaced that the dry run has named, and no other."""
        there = {each.id for each in self.containers()}
        gone = [each for each in before if each.id not in there]
        assert {each.service for each in gone} == set(plan["recreates"])
        removals = [line.split()[2:] for line in plan["plan"] if line.startswith("docker rm ")]
        named = {name for names in removals for name in names}
        assert named == {each.told["Name"].lstrip("/") for each in gone}

    def runs(self, version: str) -> bool:
        """Whether every container of ours has that version's image."""
        images = {part: inspect(versions.name(part, version))[0]["Id"] for part in versions.PARTS}
        return self.digests() == {name: {images[part]} for name, part in OURS.items()}

    def settle(self, client: Client, requests: int = 100) -> None:
        """Let the caller go on for so many requests after all is done."""
        seen = len(client.answers())
        wait_for(lambda: len(client.answers()) >= seen + requests, 60, "the caller goes on")

    def add_channel(self, receiver: Receiver) -> None:
        """Let the console tell the receiver of everything, in English."""
        (self.secrets / "channels").mkdir(mode=0o755, exist_ok=True)
        file = self.secrets / "channels" / "drills"
        file.write_text(f"{receiver.address}\n")
        file.chmod(0o444)
        self.of_console("Channel.objects.create(name='drills', successes=True, language='en').pk")


def last_document(printed: str) -> dict[str, Any]:
    """The last line, which is JSON."""
    document: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return document
