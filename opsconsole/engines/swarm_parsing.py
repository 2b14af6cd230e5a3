"""What Swarm's documents say of services and tasks, in the words of the port. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from opsconsole.engines import parsing
from opsconsole.engines.base import Health, Replica, State
from opsconsole.engines.parsing import Document, moment
from pmscoring.base.redaction import redacted

NAMESPACE = "com.docker.stack.namespace"
TASK = "com.docker.swarm.task.id"
SERVICE = "com.docker.swarm.service.name"
ONE_OFF = "pmscoring.one-off"
"""The label of the services that run a command once."""
STATES = {
    "running": State.RUNNING,
    **dict.fromkeys(("complete", "shutdown", "failed", "rejected"), State.STOPPED),
    **dict.fromkeys(("remove", "orphaned"), State.STOPPED),
}
"""All others come before it runs; Swarm calls a task running once its check has passed."""
FAILED = ("failed", "rejected")
WANTED = ("running", "ready")
JOBS = ("ReplicatedJob", "GlobalJob")


def name_of(service: Document, project: str) -> str:
    """Without the stack's name before it."""
    return str(service["Spec"]["Name"]).removeprefix(f"{project}_")


def labels_of(service: Document) -> dict[str, str]:
    """The service's own."""
    return service["Spec"].get("Labels") or {}


def is_one_shot(service: Document) -> bool:
    """Whether its tasks are meant to end."""
    return any(mode in service["Spec"]["Mode"] for mode in JOBS)


def wanted_of(service: Document, tasks: Iterable[Document]) -> int:
    """The replicas that it should have; a global one has as many as there are nodes for it."""
    replicated = service["Spec"]["Mode"].get("Replicated")
    if replicated is not None:
        return int(replicated.get("Replicas", 1))
    return 0 if is_one_shot(service) else sum(task["DesiredState"] in WANTED for task in tasks)


def check_of(spec: Document) -> parsing.Check | None:
    """The health check that a service's or task's specification names."""
    return parsing.check_of(spec.get("ContainerSpec") or {})


def has_check(service: Document, containers: Iterable[Document]) -> bool:
    """Whether its tasks are checked, by the specification, or by the image as containers show."""
    spec = service["Spec"]["TaskTemplate"]
    if "Healthcheck" in (spec.get("ContainerSpec") or {}):
        return check_of(spec) is not None
    return any(parsing.check_of(config) is not None for config in containers)


def state_of(task: Document) -> State:
    """What it does."""
    return STATES.get(task["Status"]["State"], State.STARTING)


def is_live(task: Document) -> bool:
    """Whether it runs or shall run, and is not on its way out."""
    return task["DesiredState"] in WANTED and state_of(task) is not State.STOPPED


def shown(tasks: Iterable[Document]) -> list[Document]:
    """Of each slot those that have not ended, or else the last one that has."""
    slots: dict[object, list[Document]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        slots.setdefault(slot_of(task), []).append(task)
    return [task for slot in slots.values() for task in _shown(slot)]


def _shown(slot: list[Document]) -> list[Document]:
    running = [task for task in slot if state_of(task) is not State.STOPPED]
    return running or ([slot[-1]] if slot[-1]["DesiredState"] != "remove" else [])


def slot_of(task: Document) -> str:
    """Its number in the service, or the node of a global one."""
    return str(task.get("Slot") or task.get("NodeID", "")[:12])


def replica(
    task: Document, service: str, container: Document | None, failures: int, at: datetime
) -> Replica:
    """A task as a replica; `container` is known where it runs on the node that is asked."""
    status = task["Status"]
    local = parsing.replica(container, service, "", at) if container else None
    health, says = _health(task, local)
    image = str(task["Spec"]["ContainerSpec"]["Image"])
    state = state_of(task)
    ended = state is State.STOPPED
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    return Replica(
        id=task["ID"],
        name=f"{service}.{slot_of(task)}",
        service=service,
        state=state,
        health=health,
        health_says=redacted(status.get("Err") or "") or says,
        image=image,
        digest=local.digest if local else image.partition("@")[2],
        started_at=local.started_at if local else _since(status, state is State.RUNNING),
        finished_at=_since(status, ended),
        exit_code=code if ended else None,
        restarts=failures,
        addresses=addresses_of(task),
    )


def _health(task: Document, local: Replica | None) -> tuple[Health, str]:
    if local and local.health is not Health.NONE:
        return local.health, local.health_says
    state = state_of(task)
    # Of an image's own check, which the specification does not name, only its node knows.
    if local or state is State.STOPPED or check_of(task["Spec"]) is None:
        return Health.NONE, ""
    return (Health.HEALTHY if state is State.RUNNING else Health.STARTING), ""


def _since(status: Mapping[str, Any], so: bool) -> datetime | None:
    return moment(status.get("Timestamp")) if so else None


def addresses_of(task: Document) -> tuple[str, ...]:
    """Its own in each network, without the networks' masks."""
    attached = task.get("NetworksAttachments") or []
    return tuple(
        sorted(address.partition("/")[0] for one in attached for address in one["Addresses"] or [])
    )


def failures(tasks: Iterable[Document]) -> dict[str, int]:
    """How many tasks of each slot have failed, of the five or so that Swarm remembers."""
    counts: dict[str, int] = {}
    for task in tasks:
        if task["Status"]["State"] in FAILED:
            counts[slot_of(task)] = counts.get(slot_of(task), 0) + 1
    return counts
