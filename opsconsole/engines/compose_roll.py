"""Replacing the containers of a Compose service, new ones first, with a way back.

Compose itself would stop the old container before it starts the new one, and has no way back.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineAway, EngineError, Judge, Replica, RollFailed, Version
from opsconsole.engines.compose_project import HASH, ComposeProject, is_live
from opsconsole.engines.containers import last_words
from opsconsole.engines.daemon import Gone
from opsconsole.engines.meanwhile import paced, patiently, undeterred
from opsconsole.engines.parsing import Document, check_of, replica
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.progress import Alive

LOOK_SECONDS = 0.5
AWAY_SECONDS = 60.0
SPARE_SECONDS = 15.0
"""What a machine that is busy with the start may take beyond what the check allows."""


@dataclass
class Roll:
    """Of one service to one version. May be begun anew after it was killed at any point.

    What is there already tells how far it came: a container with the version's image and settings
    is a new one, whoever made it, and any other one is old. A killed roll leaves new ones beside
    all the old ones, or, while old ones drain, all new ones beside some old ones; so the larger of
    the two numbers is how many there shall be.

    A driver may be suspended for longer than its lease, at any line. 1. Another one takes over and
    rolls, forwards or back: it counts on containers that this one holds for old or for its own.
    2. This one goes on. So it asks `alive` immediately before whatever stops or removes containers,
    which writes the row by the claim, and on WrongState it touches nothing more, as if it had been
    killed here: the other one sees all that there is. 3. But not what this one has made since then.
    So it asks once more after it has made new containers, and on WrongState removes these alone.
    What is left is a suspension between an answer and the request to the engine, which has no such
    fence.
    """

    project: ComposeProject
    service: str
    version: Version
    judge: Judge
    alive: Alive

    def run(self) -> None:
        """Replace; raises RollFailed, or what `judge` or `alive` raised, with the old ones back.

        WrongState leaves everything as it is.
        """
        new, old = self._sorted()
        live_new, live_old = [*filter(is_live, new)], [*filter(is_live, old)]
        count = max(len(live_new), len(live_old)) or max(len(new), len(old)) or 1
        if len(live_new) == count and not old and len(new) == count:
            return
        self.alive()
        self._remove(one for one in (*new, *old) if one["State"]["Status"] == "created")
        if self.project.is_stop_first(self.service):
            self._stop_first(count, _ids(live_new), _ids(live_old))
        else:
            self._start_first(count, _ids(live_new), _ids(live_old))
        stopped = [one for one in self._all() if not is_live(one)]
        self.alive()
        self._remove(stopped)

    def _sorted(self) -> tuple[list[Document], list[Document]]:
        """The containers that are as the version wants them, and the others."""
        wanted = self.project.hashes(self.version).get(self.service)
        if wanted is None:
            raise EngineError(_("There is no service {name}.").format(name=self.service))
        image = self.version.images[self.service].digest
        new: list[Document] = []
        old: list[Document] = []
        for one in self._all():
            is_new = one["Config"]["Labels"].get(HASH) == wanted and one["Image"] == image
            (new if is_new else old).append(one)
        return new, old

    def _all(self) -> list[Document]:
        return self.project.lasting(self.service)

    def _start_first(self, count: int, new: list[str], old: list[str]) -> None:
        made: list[str] = []
        try:
            if not new:
                made += self._more(1)
            first = new or made
            self._await(first)
            self.judge(self._replicas(first), self._replicas(old))
            made += self._more(count - len(new) - len(made))
            self._await(made)
            # The last moment to learn that another one drives by now, who counts on the old ones.
            self.alive()
        except WrongState:
            raise
        except BaseException:
            self._undo(made)
            raise
        self._drain(old)

    def _stop_first(self, count: int, new: list[str], old: list[str]) -> None:
        """What must not run twice: there is a moment in which none runs."""
        made = self.project.create(self.service, count - len(new), self.version, self.alive)
        try:
            self._confirm(made)
            patiently(lambda: self.project.containers.stop(old), self.alive)
            self.alive()
            self._start(made)
            self._await([*new, *made])
            self.judge(self._replicas([*new, *made]), self._replicas(old))
            self.alive()
        except WrongState:
            raise
        except BaseException:
            self._undo(made)
            self._start(old)
            raise
        self.project.containers.remove(old)

    def _more(self, count: int) -> list[str]:
        """So many new ones, started."""
        if count <= 0:
            return []
        made = self.project.create(self.service, count, self.version, self.alive)
        self._confirm(made)
        try:
            self._start(made)
        except BaseException:
            self._undo(made)
            raise
        return made

    def _confirm(self, made: Sequence[str]) -> None:
        """Whoever takes over from now on sees these new ones; WrongState removes them."""
        try:
            self.alive()
        except BaseException:
            self.project.containers.remove(made)
            raise

    def _start(self, containers: Sequence[str]) -> None:
        self.project.containers.start(containers)

    def _await(self, containers: Sequence[str]) -> None:
        """Return when all are healthy; raises RollFailed as soon as one will never be."""
        await_health(self.project, containers, self.alive)

    def _replicas(self, containers: Sequence[str]) -> list[Replica]:
        at, name = datetime.now(UTC), self.project.layout.project
        found = (self.project.containers.one(container) for container in containers)
        return [replica(one, self.service, name, at) for one in found]

    def _undo(self, made: Sequence[str]) -> None:
        """End the new ones, alive; raises WrongState where they are another driver's by now."""
        alive = undeterred(self.alive)
        alive()
        patiently(lambda: self.project.containers.stop(made), alive)
        self.project.containers.remove(made)

    def _drain(self, old: Sequence[str]) -> None:
        """Let the old ones end by themselves, all of them, then remove them.

        The new ones are healthy and judged when the first old one is asked to end: from then on
        there is no way back. What `alive` raises meanwhile is raised once they have ended: stopped
        ones are no harm, and the next roll removes them.
        """
        if old:
            patiently(lambda: self.project.containers.stop(old), self.alive)
            self.alive()
            self.project.containers.remove(old)

    def _remove(self, containers: Iterable[Document]) -> None:
        self.project.containers.remove([one["Id"] for one in containers])


def _ids(containers: Sequence[Document]) -> list[str]:
    return [one["Id"] for one in containers]


def await_health(project: ComposeProject, containers: Sequence[str], alive: Alive) -> None:
    """Return when all are healthy; raises RollFailed with the words of one that will never be.

    An engine that is away for a moment is waited for.
    """
    began, beat = time.monotonic(), paced(alive)
    waiting = list(containers)
    while waiting:
        beat()
        try:
            waiting = [one for one in waiting if not is_healthy(project, one, began)]
        except EngineAway:
            if time.monotonic() - began > AWAY_SECONDS:
                raise
        if waiting:
            time.sleep(LOOK_SECONDS)


def is_healthy(project: ComposeProject, container: str, began: float) -> bool:
    """Whether it is by now; raises RollFailed where it never will be."""
    try:
        seen = project.containers.one(container)
    except Gone as error:
        raise RollFailed(_("A new container has gone: {why}").format(why=error)) from error
    check, state = check_of(seen["Config"]), seen["State"]
    name = seen["Name"].lstrip("/")
    if check is None:
        raise RollFailed(_("{name} has no health check.").format(name=name))
    if seen["RestartCount"] or state["Status"] not in ("created", "running"):
        raise RollFailed(
            _("{name} ended with exit status {status}: {says}").format(
                name=name, status=state["ExitCode"], says=last_words(project.containers, seen)
            )
        )
    health = (state.get("Health") or {}).get("Status")
    too_late = time.monotonic() - began > check.longest.total_seconds() + SPARE_SECONDS
    if health == "unhealthy" or (health != "healthy" and too_late):
        raise RollFailed(
            _("{name} did not become healthy: {says}").format(
                name=name, says=last_words(project.containers, seen)
            )
        )
    return bool(health == "healthy")
