"""The services of one stack, and their tasks."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.engines.base import LABEL, EngineError, State
from opsconsole.engines.daemon import Daemon, Gone
from opsconsole.engines.parsing import Document, moment
from opsconsole.engines.swarm_parsing import NAMESPACE, ONE_OFF, is_live, labels_of, state_of

OUT_OF_SEQUENCE = "update out of sequence"
TRIES = 5
Spec = dict[str, Any]


class SwarmServices:
    """Known by the stack's and our label. A change names the version that it was made from."""

    def __init__(self, daemon: Daemon, project: str) -> None:
        self.daemon, self.project = daemon, project

    @property
    def filters(self) -> dict[str, list[str]]:
        """By which Swarm finds what is of this environment."""
        return {"label": [f"{NAMESPACE}={self.project}", f"{LABEL}={self.project}"]}

    def all(self) -> list[Document]:
        """Those that last, and not what runs a command once."""
        api = self.daemon.api
        found = self.daemon.ask(lambda: api.services(filters=self.filters))
        return [service for service in found if ONE_OFF not in labels_of(service)]

    def ended_jobs(self, since: timedelta) -> list[str]:
        """The full names of those that run nothing any more, and were made longer ago."""
        late = datetime.now(UTC) - since
        old = [one for one in self._jobs() if (moment(one["CreatedAt"]) or late) < late]
        tasks = self.tasks(old)
        return [str(one["Spec"]["Name"]) for one in old if all(map(_has_ended, tasks[one["ID"]]))]

    def running_jobs(self, beginning: str) -> list[str]:
        """The full names of those named so, but for a last word, that run or are about to."""
        full = f"{self.project}_{beginning}"
        jobs = [one for one in self._jobs() if one["Spec"]["Name"].rpartition("-")[0] == full]
        tasks = self.tasks(jobs)
        return [
            str(one["Spec"]["Name"])
            for one in jobs
            if not tasks[one["ID"]] or not all(map(_has_ended, tasks[one["ID"]]))
        ]

    def _jobs(self) -> list[Document]:
        """What runs a command once, or has."""
        api = self.daemon.api
        found = self.daemon.ask(lambda: api.services(filters=self.filters))
        return [service for service in found if ONE_OFF in labels_of(service)]

    def one(self, name: str) -> Document:
        """By its name without the stack's; raises EngineError where there is none here."""
        api = self.daemon.api
        try:
            found: Document = self.daemon.ask(lambda: api.inspect_service(f"{self.project}_{name}"))
        except Gone:
            found = {}
        if not found or labels_of(found).get(LABEL) != self.project:
            raise EngineError(_("There is no service {name}.").format(name=name))
        return found

    def tasks(self, services: Sequence[Document]) -> dict[str, list[Document]]:
        """Of these services, those that have ended too, by the service's id."""
        by_service: dict[str, list[Document]] = {service["ID"]: [] for service in services}
        if services:
            api, filters = self.daemon.api, {"service": list(by_service)}
            for task in self.daemon.ask(lambda: api.tasks(filters=filters)):
                by_service[task["ServiceID"]].append(task)
        return by_service

    def live(self, service: Document) -> list[Document]:
        """The tasks that run or shall run."""
        return [task for task in self.tasks([service])[service["ID"]] if is_live(task)]

    def task(self, replica: str) -> Document:
        """A task of one of the services; raises Gone for any other."""
        api = self.daemon.api
        found: Document = self.daemon.ask(lambda: api.inspect_task(replica))
        if found["ServiceID"] not in {service["ID"] for service in self.all()}:
            raise Gone(_("There is no replica {id} here.").format(id=replica))
        return found

    def update(self, name: str, change: Callable[[Spec], object]) -> Document:
        """Change the specification of the moment.

        Two who change at once: 1. both read version 7; 2. one writes, which makes it 8; 3. the
        other's write names version 7 and is refused. It reads again, and changes what is there now.
        """
        for last in (False,) * (TRIES - 1) + (True,):
            service = self.one(name)
            spec = deepcopy(service["Spec"])
            change(spec)
            try:
                self._write(service, spec)
            except EngineError as error:
                if last or OUT_OF_SEQUENCE not in str(error):
                    raise
            else:
                break
        return self.one(name)

    def _write(self, service: Document, spec: Spec) -> None:
        api = self.daemon.slow_api
        self.daemon.ask(
            lambda: api.update_service(
                service["ID"],
                service["Version"]["Index"],
                task_template=spec["TaskTemplate"],
                name=spec["Name"],
                labels=spec.get("Labels"),
                mode=spec["Mode"],
                update_config=spec.get("UpdateConfig"),
                rollback_config=spec.get("RollbackConfig"),
                endpoint_spec=spec.get("EndpointSpec"),
            )
        )

    def remove(self, service: str) -> None:
        """By id or full name, if it is still there."""
        try:
            self.daemon.ask(lambda: self.daemon.slow_api.remove_service(service))
        except Gone:
            return


def _has_ended(task: Document) -> bool:
    """Of a job: it shall never be running, but complete."""
    return state_of(task) is State.STOPPED
