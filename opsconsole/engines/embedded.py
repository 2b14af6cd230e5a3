"""The embedded installation: processes under supervisord. It deploys nothing."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, TypeVar

import psutil
from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.engines import processes
from opsconsole.engines.base import (
    Counted,
    EngineAway,
    EngineError,
    Finished,
    Happening,
    Health,
    Image,
    Judge,
    NotSupported,
    Pruned,
    Replica,
    Say,
    Service,
    State,
    Usage,
    Version,
)
from opsconsole.engines.containers import bounded_output, too_long
from opsconsole.engines.meanwhile import in_parallel, paced
from opsconsole.engines.processes import service_of
from opsconsole.gateways import shell
from opsconsole.gateways.supervisor import (
    Configured,
    Program,
    Supervisor,
    SupervisorAway,
    SupervisorError,
)
from pmscoring.base.progress import Alive

STATES = {
    "RUNNING": State.RUNNING,
    "STARTING": State.STARTING,
    "BACKOFF": State.RESTARTING,
    "STOPPING": State.RUNNING,
}
"""All others are stopped."""
STANDBY = "STOPPED"
"""What was never started, or was stopped on purpose."""
SPARE_SECONDS = 20.0
LOOK_SECONDS = 0.2
T = TypeVar("T")


class Embedded:
    """An installation by the folder `run` of its VAR_DIR. A replica's id is its program's name."""

    kind = "embedded"

    def __init__(self, run: Path) -> None:
        self.run, self.supervisor = run, Supervisor(run)
        self._counted: dict[int, Counted] = {}

    # What is seen

    def services(self) -> list[Service]:
        """Programs that are numbered are replicas of one service; those on standby are none."""
        programs, configured = self._ask(self.supervisor.programs), self._configured()
        deaths = processes.deaths(self._ask(self.supervisor.log))
        replicas = in_parallel(
            lambda program: _replica(program, configured[program.name], deaths),
            [program for program in programs if _counts(program) and program.name in configured],
        )
        by_service: dict[str, list[Replica]] = {}
        for replica in sorted(replicas, key=lambda one: one.name):
            by_service.setdefault(replica.service, []).append(replica)
        return [
            Service(name, len(found), tuple(found), has_check=bool(configured[found[0].id].check))
            for name, found in sorted(by_service.items())
        ]

    def usage(self) -> dict[str, Usage]:
        """Of each program with its children; memory that they share is counted once."""
        before, self._counted = self._counted, {}
        running = [program for program in self._ask(self.supervisor.programs) if program.pid]
        return {program.name: self._usage(program.pid, before) for program in running}

    def _usage(self, pid: int, before: dict[int, Counted]) -> Usage:
        usage = processes.usage(pid, before.get(pid))
        if usage.counted:
            self._counted[pid] = usage.counted
        return usage

    def logs(
        self, replica: str, *, tail: int = 200, since: datetime | None = None
    ) -> Iterator[tuple[datetime, str]]:
        """Of its file."""
        self._program(replica)
        return processes.lines(self._configured()[replica].log, tail, since)

    def happenings(self, since: datetime, until: datetime) -> list[Happening]:
        """What supervisord has logged."""
        found = processes.happenings(self._ask(self.supervisor.log))
        return [happening for happening in found if since <= happening.at < until]

    # What is done

    def scale(self, service: str, replicas: int) -> None:
        """Start programs that stand by, or stop the last ones; as many as there are at most."""
        programs = {one.name: one for one in self._ask(self.supervisor.programs)}
        names = sorted((n for n in programs if service_of(n) == service), key=_number)
        if not names:
            raise EngineError(_("There is no service {name}.").format(name=service))
        if not 1 <= replicas <= len(names):
            raise NotSupported(
                _("{name} can have 1 to {count} replicas here.").format(
                    name=service, count=len(names)
                )
            )
        for name in names[:replicas]:
            if not _is_up(programs[name]):
                self._start(name)
        going = [name for name in names[replicas:] if _is_up(programs[name])]
        in_parallel(self._stop, going)

    def restart(self, replica: str, *, grace: timedelta | None = None) -> None:
        """Warm: it has its time to end. The program that asks for it is ended and started anew."""
        program = self._program(replica)
        if program.pid in {process.pid for process in psutil.Process().parents()}:
            self._ask(lambda: self.supervisor.end(replica))
            return
        if _is_up(program):
            self._stop(replica, grace)
        self._start(replica)

    def _start(self, name: str) -> None:
        self._ask(lambda: self.supervisor.start(name))
        self._await(name, lambda program: program.state == "RUNNING", SPARE_SECONDS)

    def _stop(self, name: str, grace: timedelta | None = None) -> None:
        """Supervisord kills it after the time of its configuration, and we do after `grace`."""
        seconds = self._configured()[name].stop_seconds + SPARE_SECONDS
        self._ask(lambda: self.supervisor.stop(name))
        if grace is not None:
            end = time.monotonic() + grace.total_seconds()
            while (pid := self._program(name).pid) and time.monotonic() < end:
                time.sleep(LOOK_SECONDS)
            processes.kill(pid)
        self._await(name, lambda program: not program.pid, seconds)

    def _await(self, name: str, holds: Callable[[Program], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds(program := self._program(name)):
            if program.state == "FATAL" or time.monotonic() > end:
                says = program.says or program.state
                raise EngineError(
                    _("{name} did not start or end: {says}").format(name=name, says=says)
                )
            time.sleep(LOOK_SECONDS)

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
        """A process of its own; a management command finds the installation by VAR_DIR."""
        self._ask(self.supervisor.programs)
        if version is not None:
            self._refuse()
        return self._run(argv, timeout, say, alive)

    def end_commands(self, service: str) -> None:
        """They end with their caller, whose children they are."""

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        """There is no inside: beside it, on the same machine."""
        self._program(replica)
        return self._run(argv, timeout, lambda line: None, lambda: None)

    def _run(self, argv: Sequence[str], timeout: timedelta, say: Say, alive: Alive) -> Finished:
        words = [sys.executable if argv[0] == "python" else argv[0], *argv[1:]]
        seconds, lines = timeout.total_seconds(), list[str]()

        def take(line: str) -> None:
            say(line)
            lines.append(line)

        environment = {"VAR_DIR": str(self.run.parent), "PYTHONUNBUFFERED": "1"}
        try:
            status = shell.follow(
                words,
                take,
                env=environment,
                cwd=settings.BASE_DIR,
                timeout=seconds,
                alive=paced(alive),
            )
        except shell.TooLong as error:
            raise too_long(argv, seconds) from error
        except shell.ShellError as error:
            raise EngineError(str(error)) from error
        return Finished(status, bounded_output("\n".join(lines)))

    def fetch(self, replica: str, path: str, archive: Path, alive: Alive) -> None:
        """Not supported."""
        self._refuse()

    def put(self, replica: str, archive: Path, folder: str, alive: Alive) -> None:
        """Not supported."""
        self._refuse()

    # Deployments

    def pull(self, reference: str, say: Say, alive: Alive) -> Image:
        """Not supported."""
        self._refuse()

    def load(self, archive: Path, say: Say, alive: Alive) -> list[Image]:
        """Not supported."""
        self._refuse()

    def image(self, reference: str) -> Image | None:
        """There are none."""
        return None

    def point(self, reference: str, digest: str) -> None:
        """Not supported."""
        self._refuse()

    def recreates(self, version: Version) -> list[str]:
        """Not supported."""
        self._refuse()

    def commands(self, version: Version, services: Sequence[str]) -> list[list[str]]:
        """Not supported."""
        self._refuse()

    def roll(self, service: str, version: Version, *, judge: Judge, alive: Alive) -> None:
        """Not supported."""
        self._refuse()

    def start_driver(self, name: str, argv: Sequence[str], version: Version) -> None:
        """Not supported."""
        self._refuse()

    def lay_out(self, version: Version, say: Say, alive: Alive) -> None:
        """Not supported."""
        self._refuse()

    def remains(self) -> list[str]:
        """Not supported."""
        self._refuse()

    def remove(self, say: Say) -> None:
        """Not supported."""
        self._refuse()

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Not supported."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotSupported(
            _(
                "The embedded installation deploys nothing: its version is that of its folder. Stop"
                " it, update the folder, and start it again."
            )
        )

    def _configured(self) -> dict[str, Configured]:
        return self._ask(self.supervisor.configured)

    def _program(self, replica: str) -> Program:
        """The program of a replica; raises EngineError where there is none."""
        for program in self._ask(self.supervisor.programs):
            if program.name == replica:
                return program
        raise EngineError(_("There is no replica {id} here.").format(id=replica))

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except SupervisorAway as error:
            raise EngineAway(str(error)) from error
        except SupervisorError as error:
            raise EngineError(str(error)) from error


def _counts(program: Program) -> bool:
    """Whether it is a replica: numbered ones are only while they are wanted."""
    return program.state != STANDBY or service_of(program.name) == program.name


def _is_up(program: Program) -> bool:
    return program.state in STATES


def _number(name: str) -> int:
    number = name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _replica(program: Program, configured: Configured, deaths: dict[str, int]) -> Replica:
    state = STATES.get(program.state, State.STOPPED)
    started = datetime.fromtimestamp(program.start, UTC) if program.start else None
    stopped = state is State.STOPPED
    health, says = _health(state, configured, started)
    return Replica(
        id=program.name,
        name=program.name,
        service=service_of(program.name),
        state=state,
        health=health,
        health_says=says or program.says,
        started_at=started,
        finished_at=datetime.fromtimestamp(program.stop, UTC) if stopped and program.stop else None,
        exit_code=program.exit_status if stopped else None,
        restarts=deaths.get(program.name, 0),
    )


def _health(state: State, configured: Configured, started: datetime | None) -> tuple[Health, str]:
    """Checked at this moment; there is nobody here who checks on and on."""
    if state is not State.RUNNING or not configured.check:
        return Health.NONE, ""
    says = processes.answers(configured.check)
    if not says:
        return Health.HEALTHY, ""
    starting = timedelta(seconds=configured.starting_seconds)
    young = started is not None and datetime.now(UTC) - started < starting
    return (Health.STARTING if young else Health.UNHEALTHY), says
