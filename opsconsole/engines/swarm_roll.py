"""Replacing the tasks of a Swarm service: the first one is judged before the others follow.

Swarm itself replaces one task after another, and calls it good when the last one runs.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from opsconsole.engines.base import (
    EngineAway,
    EngineError,
    Judge,
    Replica,
    RollFailed,
    State,
    Version,
)
from opsconsole.engines.meanwhile import paced, undeterred
from opsconsole.engines.parsing import NANOSECONDS, Document
from opsconsole.engines.swarm_parsing import FAILED, check_of, is_live, state_of
from opsconsole.engines.swarm_services import Spec, SwarmServices
from opsconsole.engines.swarm_stack import Definition, Stack
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import Alive

HELD = "24h"
"""How long Swarm waits after the first task, which is until it is told to go on."""
LOOK_SECONDS = 0.5
AWAY_SECONDS = 60.0
SPARE = timedelta(seconds=30)
"""For pulling from a registry what was pulled here already, and for a busy node."""


@dataclass
class SwarmRoll:
    """Of one service to one version; may be begun anew after it was killed at any point.

    1. The new specification is written, with a pause of a day after the first task. 2. That task
    is judged. 3. The specification is written once more, without the pause. 4. Once all run, with
    the file's own way of updating. Until then the earlier specification undoes it: tasks that still
    are as it says stay, and Swarm removes the new ones.

    A driver may have been suspended for longer than its lease, and another one have taken over. So
    it asks `alive` immediately before it writes a specification, and on WrongState writes none, not
    even the earlier one: what is there then is the other one's. It asks once more after it has
    written the new one: if the claim was lost meanwhile, the other one may have gone back before.
    """

    services: SwarmServices
    stack: Stack
    service: str
    version: Version
    judge: Judge
    alive: Alive
    seen: Callable[[Document], Replica]

    def run(self) -> None:
        """Replace; raises RollFailed, or what `judge` or `alive` raised, with the old spec back.

        WrongState leaves everything as it is.
        """
        document = self.stack.read(self.version)
        definition = self.stack.definition(document, self.service)
        before = self.services.one(self.service)
        count = before["Spec"]["Mode"].get("Replicated", {}).get("Replicas")
        self.alive()
        try:
            self._write(document, held(definition, count), before)
            after = self.services.one(self.service)
            self._first(after)
            self.alive()
            self._go_on(after)
            self.alive()
        except WrongState:
            raise
        except BaseException:
            self._undo(before)
            raise
        self._write(document, _counted(definition, count), before)

    def _write(self, document: Document, definition: Definition, before: Document) -> None:
        """Write a specification, and the earlier one again where the claim was lost meanwhile."""
        self.stack.deploy(document, {self.service: definition})
        try:
            self.alive()
        except WrongState:
            self._bring_back(before)
            raise

    def _first(self, service: Document) -> None:
        """Until one new task runs; then it is judged. Nothing to do where all are new already."""
        new, old = self._sorted(service)
        if not old:
            return
        if not any(map(_runs, new)):
            self._await(service, lambda new, _old: any(map(_runs, new)), tasks=1)
        new, old = self._sorted(service)
        self.judge(self._replicas(filter(_runs, new)), self._replicas(old))

    def _go_on(self, service: Document) -> None:
        """Let Swarm replace the others; returns when all run and the old ones have gone."""
        self.services.update(self.service, _let_go)
        self._await_all(service)

    def _undo(self, before: Document) -> None:
        """Write the earlier specification; returns when its tasks run.

        Raises WrongState where another one drives by now.
        """
        self.alive = undeterred(self.alive)
        self.alive()
        self._bring_back(before)
        try:
            self._await_all(before, patient=True)
        except RollFailed as error:
            says = _("{name} could not be brought back: {why}").format(name=self.service, why=error)
            raise EngineError(says) from error

    def _bring_back(self, before: Document) -> None:
        """The earlier specification, but for the number, which may have been changed since."""

        def change(spec: Spec) -> None:
            earlier = {key: value for key, value in before["Spec"].items() if key != "Mode"}
            spec.clear()
            spec.update(earlier, Mode=mode)
            _let_go(spec)

        mode = self.services.one(self.service)["Spec"]["Mode"]
        self.services.update(self.service, change)

    def _await_all(self, service: Document, *, patient: bool = False) -> None:
        """Until as many run as are wanted; then until the others have ended."""
        count = _count(service)
        self._await(
            service,
            lambda new, old: not old and sum(map(_runs, new)) >= count,
            tasks=count,
            patient=patient,
        )
        # One on a node that is lost may never be told to have ended.
        end, beat = time.monotonic() + (_grace(service) + SPARE).total_seconds(), paced(self.alive)
        while self._draining(service) and time.monotonic() < end:
            beat()
            time.sleep(LOOK_SECONDS)

    def _draining(self, service: Document) -> bool:
        """Whether a task is on its way out."""
        tasks = self.services.tasks([service])[service["ID"]]
        return any(state_of(task) is not State.STOPPED and not is_live(task) for task in tasks)

    def _sorted(self, service: Document) -> tuple[list[Document], list[Document]]:
        """The live tasks that are as the service's specification wants them, and the others."""
        wanted = service["Spec"]["TaskTemplate"]["ContainerSpec"]
        live = self.services.live(service)
        new = [task for task in live if task["Spec"]["ContainerSpec"] == wanted]
        return new, [task for task in live if task not in new]

    def _replicas(self, tasks: Iterable[Document]) -> list[Replica]:
        return [self.seen(task) for task in tasks]

    def _await(
        self,
        service: Document,
        holds: Callable[[Sequence[Document], Sequence[Document]], bool],
        *,
        tasks: int,
        patient: bool = False,
    ) -> None:
        """Until it holds of new and old tasks; raises RollFailed where a new one failed.

        So many `tasks` must start for it, one after another. An engine that is away for a moment is
        waited for. `patient` takes no failure for the end.
        """
        began, beat = time.monotonic(), paced(self.alive)
        failed_before = {task["ID"] for task in self._failed(service)}
        limit = _longest(service, tasks)
        while True:
            beat()
            seconds = time.monotonic() - began
            try:
                failed = [t for t in self._failed(service) if t["ID"] not in failed_before]
                if failed and not patient:
                    raise RollFailed(self._says(failed[0]))
                if holds(*self._sorted(service)):
                    return
            except EngineAway:
                if seconds > AWAY_SECONDS:
                    raise
            if seconds > limit.total_seconds():
                raise RollFailed(
                    _("{name} did not become healthy in time.").format(name=self.service)
                )
            time.sleep(LOOK_SECONDS)

    def _failed(self, service: Document) -> list[Document]:
        wanted = service["Spec"]["TaskTemplate"]["ContainerSpec"]
        return [
            task
            for task in self.services.tasks([service])[service["ID"]]
            if task["Status"]["State"] in FAILED and task["Spec"]["ContainerSpec"] == wanted
        ]

    def _says(self, task: Document) -> str:
        replica = self.seen(task)
        return _("{name} did not become healthy: {says}").format(
            name=replica.name, says=replica.health_says or task["Status"].get("Message", "")
        )


def _runs(task: Document) -> bool:
    return state_of(task) is State.RUNNING


def _counted(definition: Definition, count: int | None) -> Definition:
    """The service at the number of the moment; a global one has none."""
    number = {} if count is None else {"replicas": count}
    return {**definition, "deploy": {**definition["deploy"], **number}}


def held(definition: Definition, count: int | None) -> Definition:
    """The same, which Swarm leaves alone after its first task."""
    counted = _counted(definition, count)
    order = (counted["deploy"].get("update_config") or {}).get("order", "stop-first")
    held = {"parallelism": 1, "delay": HELD, "failure_action": "pause", "order": order}
    return {**counted, "deploy": {**counted["deploy"], "update_config": held}}


def _count(service: Document) -> int:
    return int(service["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1))


def _let_go(spec: Spec) -> None:
    """No pause between tasks, and none after a failure, which is ours to see."""
    config = spec.setdefault("UpdateConfig", {})
    config["Delay"] = 0
    config["Parallelism"] = 1


def _longest(service: Document, tasks: int) -> timedelta:
    """In which so many tasks of a healthy version run and those before them have ended."""
    check = check_of(service["Spec"]["TaskTemplate"])
    starting = check.longest if check else timedelta(minutes=3)
    return (starting + _grace(service) + SPARE) * max(tasks, 1)


def _grace(service: Document) -> timedelta:
    """What a task is given to end."""
    container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    nanoseconds = container.get("StopGracePeriod") or 10 * NANOSECONDS
    return timedelta(seconds=nanoseconds / NANOSECONDS)
