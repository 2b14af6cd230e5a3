"""A job of Swarm's that runs a command once: its output, its end, its limit."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta

from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError, Finished, Say, State
from opsconsole.engines.containers import (
    MOST_OUTPUT,
    SAID_LINES,
    Containers,
    bounded_output,
    too_long,
)
from opsconsole.engines.daemon import Daemon, Gone
from opsconsole.engines.one_off import limited
from opsconsole.engines.parsing import Document
from opsconsole.engines.swarm_parsing import TASK, state_of
from pmscoring.base.progress import Alive
from pmscoring.base.redaction import redacted

LOOK_SECONDS = 0.5
END_SECONDS = 60.0
"""For a container on another node, which is asked to end before it is killed."""


class SwarmJob:
    """By the full name of its service. Swarm runs it on any node, and brings its output."""

    def __init__(self, daemon: Daemon, containers: Containers, name: str) -> None:
        self.daemon, self.containers, self.name = daemon, containers, name
        self.last = ""
        """The time of the last line that was read."""

    def follow(
        self, argv: Sequence[str], *, timeout: timedelta, say: Say, alive: Alive
    ) -> Finished:
        """Say what it writes until it has ended; then, or when it must not go on, remove it."""
        watch, lines = limited(argv, timeout, alive), deque[str](maxlen=SAID_LINES)
        try:
            while True:
                # Looked at before the output is read: then an end has no line after it.
                ended = self._ended()
                for line in self._new_lines():
                    say(line)
                    lines.append(line)
                if ended:
                    break
                watch()
                time.sleep(LOOK_SECONDS)
        finally:
            self.remove()
        return Finished(_exit_code(ended), bounded_output("\n".join(lines)))

    def _tasks(self) -> list[Document]:
        api = self.daemon.api
        found: list[Document] = self.daemon.ask(lambda: api.tasks(filters={"service": self.name}))
        return found

    def _ended(self) -> Document | None:
        return next((t for t in self._tasks() if state_of(t) is State.STOPPED), None)

    def _new_lines(self) -> Iterator[str]:
        api = self.daemon.api
        options = {"stdout": True, "stderr": True, "timestamps": True}
        text = b"".join(self.daemon.stream(lambda: api.service_logs(self.name, **options)))
        for line in text.decode("utf-8", "replace").splitlines():
            at, _space, says = line.partition(" ")
            if at > self.last:
                self.last = at
                yield redacted(says)[:MOST_OUTPUT]

    def end(self) -> None:
        """Remove it; returns when its tasks have ended, those on other nodes too."""
        tasks: list[str] = []
        with suppress(Gone):
            tasks = [task["ID"] for task in self._tasks() if state_of(task) is not State.STOPPED]
            self.remove()
        end = time.monotonic() + END_SECONDS
        while any(map(self._runs, tasks)):
            if time.monotonic() > end:
                raise too_long([self.name], END_SECONDS)
            time.sleep(LOOK_SECONDS)

    def _runs(self, task: str) -> bool:
        try:
            inspected = self.daemon.ask(lambda: self.daemon.api.inspect_task(task))
        except Gone:
            return False
        return state_of(inspected) is not State.STOPPED

    def remove(self) -> None:
        """The service, and the containers that Swarm leaves of a job."""
        tasks = self._tasks()
        with suppress(Gone):
            self.daemon.ask(lambda: self.daemon.slow_api.remove_service(self.name))
        for task in tasks:
            self.containers.remove([one["Id"] for one in self.containers.all(**{TASK: task["ID"]})])


def _exit_code(task: Document) -> int:
    """Raises EngineError where it was never run."""
    status = task["Status"]
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    if status["State"] == "rejected" or code is None or (code == 0 and status["State"] == "failed"):
        raise EngineError(
            redacted(status.get("Err") or status.get("Message") or _("It did not run."))
        )
    return int(code)
