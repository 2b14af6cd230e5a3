"""The containers of one environment: seen, read, and acted on by their ids."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from docker.utils import version_gte

from opsconsole.engines.base import (
    LABEL,
    MOST_LINES,
    Counted,
    EngineError,
    Finished,
    Happening,
    Usage,
)
from opsconsole.engines.daemon import Daemon, Gone
from opsconsole.engines.meanwhile import WAITING_AT_ONCE, in_parallel
from opsconsole.engines.parsing import Document, moment, usage
from pmscoring.base.redaction import redacted

SAID_LINES = 5000
"""That are kept of what a command wrote."""
MOST_CHARACTERS = 4000
"""Of one line of a log."""
MOST_OUTPUT = 100_000
"""Characters that are kept of what a command wrote, from its end."""
KILL_SECONDS = 5
LAST_LINES = 5
MOST_SAID = 1000
TIMED_OUT = (124, 137)
"""How `timeout` of coreutils exits."""
WORDS = {
    "create": "created",
    "start": "started",
    "restart": "restarted",
    "stop": "stopped",
    "die": "died",
    "oom": "out of memory",
    "destroy": "removed",
    "health_status: healthy": "healthy",
    "health_status: unhealthy": "unhealthy",
}
"""The events of the engine that are told, in words."""


class Containers:
    """Those that carry all of `labels`; `service` and `replica` name the labels that say whose."""

    def __init__(self, daemon: Daemon, project: str, labels: Mapping[str, str]) -> None:
        self.daemon, self.project = daemon, project
        self.labels = {**labels, LABEL: project}
        self._counted: dict[str, Counted] = {}
        self._hosts: dict[str, Document] = {}

    @property
    def filters(self) -> dict[str, list[str]]:
        """By which the engine finds objects of this environment, whatever their kind."""
        return {"label": [f"{name}={value}" for name, value in self.labels.items()]}

    def all(self, **more: str) -> list[Document]:
        """What the engine knows of each that has these labels too."""
        labels = [f"{name}={value}" for name, value in more.items()]
        filters = {"label": [*self.filters["label"], *labels]}
        api = self.daemon.api
        rows = self.daemon.ask(lambda: api.containers(all=True, filters=filters))
        found = in_parallel(self._inspected, [row["Id"] for row in rows])
        return [container for container in found if container is not None]

    def _inspected(self, container: str) -> Document | None:
        """None where it has gone since it was listed."""
        try:
            found: Document = self.daemon.ask(lambda: self.daemon.api.inspect_container(container))
        except Gone:
            return None
        self._hosts[container] = found["HostConfig"]
        return found

    def running(self) -> list[Document]:
        """Those that run, as the engine lists them in one answer: ids, names and labels."""
        api = self.daemon.api
        rows: list[Document] = self.daemon.ask(lambda: api.containers(filters=self.filters))
        return rows

    def one(self, container: str) -> Document:
        """A container of this environment; raises Gone for any other."""
        found = self._inspected(container)
        labels = (found or {}).get("Config", {}).get("Labels") or {}
        if found is None or any(labels.get(name) != value for name, value in self.labels.items()):
            raise Gone(_("There is no container {id} here.").format(id=container))
        return found

    # Usage

    def usage(self, running: Mapping[str, str]) -> dict[str, Usage]:
        """Of running containers, whose ids are given by their keys; all read at once.

        Their limits are those that were seen last: whoever looks has just asked for the services.
        """
        unseen = [one for one in running.values() if one not in self._hosts]
        in_parallel(self._inspected, unseen)
        # An engine measures all containers that somebody waits for together, once a second: with a
        # thread for each it does so once, with fewer once for each round of threads.
        stats = in_parallel(self._stats, running.values(), at_once=WAITING_AT_ONCE)
        before, self._counted = self._counted, {}
        there = set(running.values())
        self._hosts = {one: host for one, host in self._hosts.items() if one in there}
        return {
            key: self._usage(one, document, before)
            for (key, one), document in zip(running.items(), stats, strict=True)
            if document is not None and one in self._hosts
        }

    def _usage(self, container: str, stats: Document, before: dict[str, Counted]) -> Usage:
        used = usage(stats, self._hosts[container], before.get(container))
        if used.counted:
            self._counted[container] = used.counted
        return used

    def _stats(self, container: str) -> Document | None:
        api = self.daemon.api
        # Without `one-shot` an engine takes a sample of its own before, which lasts 1 to 2 s.
        at_once = {"one_shot": True} if version_gte(api._version, "1.41") else {}
        try:
            found: Document = self.daemon.ask(lambda: api.stats(container, stream=False, **at_once))
        except Gone:
            return None
        return found

    # Logs and events

    def logs(
        self, container: str, tail: int, since: datetime | None
    ) -> Iterator[tuple[datetime, str]]:
        """The last lines of both its outputs, with the time of each, redacted."""
        api = self.daemon.api
        text: bytes = self.daemon.ask(
            lambda: api.logs(
                container,
                timestamps=True,
                tail=min(max(tail, 0), MOST_LINES),
                since=since.timestamp() if since else None,
            )
        )
        return parsed(text.decode("utf-8", "replace"), since)

    def happenings(
        self, since: datetime, until: datetime, service: str, replica: str
    ) -> list[Happening]:
        """What the engine remembers, which is the last 256 events of all that it runs.

        `service` and `replica` are the labels that have their names, `name` for the container's.
        """
        end = min(until, datetime.now(UTC))
        if end <= since:
            return []
        filters = {"type": ["container"], **self.filters}
        self.daemon.ask(self.daemon.api.ping)  # The client waits for events without a limit.
        events = self.daemon.ask(
            lambda: list(
                self.daemon.api.events(
                    since=f"{since.timestamp():.6f}",
                    until=f"{end.timestamp():.6f}",
                    filters=filters,
                    decode=True,
                )
            )
        )
        happenings = (self._happening(event, service, replica) for event in events)
        return [happening for happening in happenings if happening]

    def _happening(self, event: Document, service: str, replica: str) -> Happening | None:
        what = WORDS.get(event["Action"])
        attributes = event["Actor"]["Attributes"]
        if what is None:
            return None
        exit_code = attributes.get("exitCode", "")
        return Happening(
            at=datetime.fromtimestamp(event["timeNano"] / 1e9, UTC),
            service=attributes.get(service, "").removeprefix(f"{self.project}_"),
            replica=attributes.get(replica, event["Actor"]["ID"]),
            what=what,
            says=f"exit {exit_code}" if what == "died" else "",
        )

    # Deeds

    def inside(self, container: str, argv: Sequence[str], timeout: timedelta) -> Finished:
        """Run a command in it, ended after `timeout` by coreutils' own command of that name.

        The engine cannot end what it has started so.
        """
        seconds = max(round(timeout.total_seconds()), 1)
        bounded = ["timeout", f"--kill-after={KILL_SECONDS}", str(seconds), *argv]
        api = self.daemon.slow_api
        command = self.daemon.ask(lambda: api.exec_create(container, bounded))["Id"]
        output: bytes = self.daemon.ask(lambda: api.exec_start(command))
        exit_code = self.daemon.ask(lambda: api.exec_inspect(command))["ExitCode"]
        if exit_code in TIMED_OUT:
            raise too_long(argv, seconds)
        return Finished(exit_code, bounded_output(output.decode("utf-8", "replace")))

    def start(self, containers: Sequence[str]) -> None:
        """Start them, all at once."""
        in_parallel(self._start, containers)

    def _start(self, container: str) -> None:
        self.daemon.ask(lambda: self.daemon.slow_api.start(container))

    def stop(self, containers: Sequence[str]) -> None:
        """Let them end by themselves, all at once, each for as long as its service grants it."""
        in_parallel(self._stop, containers)

    def _stop(self, container: str) -> None:
        with suppress(Gone):
            grace = grace_of(self.one(container))
            self.daemon.ask(lambda: self.daemon.slow_api.stop(container, timeout=grace))

    def remove(self, containers: Sequence[str]) -> None:
        """Remove them with their anonymous volumes, running or not."""
        in_parallel(self._remove, containers)

    def _remove(self, container: str) -> None:
        api = self.daemon.slow_api
        with suppress(Gone):
            self.daemon.ask(lambda: api.remove_container(container, v=True, force=True))


def grace_of(inspected: Document) -> int:
    """Seconds that a container may take to end once it was asked to."""
    grace: Any = inspected["Config"].get("StopTimeout")
    return 10 if grace is None else int(grace)


def parsed(text: str, since: datetime | None) -> Iterator[tuple[datetime, str]]:
    """The lines of a log, each of which begins with its time, redacted."""
    for line in text.splitlines():
        at, _space, says = line.partition(" ")
        written = moment(at)
        if written and (since is None or written >= since):
            yield written, redacted(says)[:MOST_CHARACTERS]


def too_long(argv: Sequence[str], seconds: float) -> EngineError:
    """That a command had to be ended after so many seconds."""
    return EngineError(
        _("{command} did not end within {seconds} s").format(
            command=shlex.join(argv), seconds=round(seconds)
        )
    )


def bounded_output(text: str) -> str:
    """The end of what a command wrote, without secrets."""
    return redacted(text)[-MOST_OUTPUT:]


def last_words(containers: Containers, inspected: Document) -> str:
    """Why a container is ill: what its check said last, or else its own last lines."""
    log = (inspected["State"].get("Health") or {}).get("Log") or []
    checked = str(log[-1].get("Output") or "").strip() if log else ""
    lines = (line for _at, line in containers.logs(inspected["Id"], LAST_LINES, None))
    says = inspected["State"].get("Error") or checked or "\n".join(lines)
    return redacted(says)[-MOST_SAID:]
