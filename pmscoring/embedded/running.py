"""Starts the parts in order, watches over them, and stops them in order."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pmscoring.base.waiting import wait_until
from pmscoring.embedded.deaths import FROM_DEATHS, Deaths
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.leftovers import end_leftovers, forget, remember, remembered
from pmscoring.embedded.parts import Part, Step, always
from pmscoring.embedded.signals import ignore_signals, raise_if_stop_requested
from pmscoring.embedded.supervisor import Info, Supervisor
from pmscoring.embedded.terminal import Terminal, last_lines

CHECK_SECONDS = 0.5
Say = Callable[[str], None]


class DiesTooOften(RuntimeError):
    """A part, or supervisord, cannot be kept alive."""


class Installation:
    """The parts under one supervisor; raises CannotStart, DiesTooOften and StopRequested."""

    def __init__(self, supervisor: Supervisor, work: Sequence[Part | Step], say: Say) -> None:
        self.supervisor, self.work, self.say = supervisor, work, say
        self.parts = [item for item in work if isinstance(item, Part)]
        self.deaths = Deaths(supervisor.log)
        self.shown = ""
        """What steps wrote on the terminal."""

    def start(self, environment: dict[str, str]) -> None:
        """Do the steps and start the parts, each when the one before it answers."""
        self.supervisor.launch(self.parts, environment)
        for item in self.work:
            if isinstance(item, Step):
                self._do(item, environment)
            elif not item.standby:
                self._start(item)

    def _do(self, step: Step, environment: dict[str, str]) -> None:
        log = self.supervisor.logs / f"{step.name}.log"
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603
                step.argv,
                cwd=step.directory,
                env=environment,
                stdout=subprocess.PIPE if step.on_terminal else output,
                stderr=None if step.on_terminal else output,
                check=False,
                text=True,
            )
        if step.on_terminal and done.stdout:
            # At once, for it may be a password, and what follows may fail.
            self.shown += done.stdout
            print(done.stdout, end="", flush=True)  # noqa: T201
        if done.returncode:
            raise CannotStart(
                "\n".join([f"{step.name} failed; its log is {log}", *last_lines(log, 20)])
            )

    def _start(self, part: Part) -> None:
        began = time.monotonic()
        self.supervisor.start(part.name)
        if not wait_until(lambda: self._is_up(part), part.starting_seconds, self._has_failed):
            log = self.supervisor.logs / f"{part.name}.log"
            lines = [f"{part.name} did not start; its log is {log}", *last_lines(log, 20)]
            raise CannotStart("\n".join(lines))
        self.say(f"{part.name} is up after {time.monotonic() - began:.1f} s")

    def _is_up(self, part: Part) -> bool:
        state = self.supervisor.info()[part.name]["statename"]
        return state in _states_that_count(part) and part.answers()

    def _has_failed(self) -> bool:
        """Never true: when a part cannot be kept alive, the check raises."""
        self.check()
        return False

    def watch(self, over: Callable[[], bool]) -> None:
        """Check the parts twice a second until it is over."""
        while not over():
            self.check()
            time.sleep(CHECK_SECONDS)

    def check(self) -> None:
        """Record which parts run and which have died."""
        raise_if_stop_requested()
        try:
            infos = self.supervisor.info()
        except OSError as error:
            raise DiesTooOften(f"supervisord does not answer: {error}") from error
        for name, info in infos.items():
            # supervisord starts a part anew without us, so a kill of both between two checks leaves
            # a process that no file names. The next start finds the part's port or folder taken and
            # says so.
            if info["pid"] and info["pid"] != (remembered(self.supervisor.run, name) or [0])[0]:
                remember(self.supervisor.run, name, info["pid"])
            self._count_deaths(name, info)

    def _count_deaths(self, name: str, info: Info) -> None:
        ending = self.deaths.ending(name, info["stop"])
        if ending == "stopped":
            self.say(f"{name} was told to stop")
        elif ending:
            self.say(f"{name} has died ({info['spawnerr'] or info['statename'].lower()}); again")
            if self.deaths.too_many(name):
                raise DiesTooOften(f"{name} has died {FROM_DEATHS} times in a minute")

    def stop(self) -> None:
        """Stop every part, the worker first and PostgreSQL last, then supervisord."""
        if self.supervisor.alive():
            for part in sorted(self.parts, key=lambda part: -part.rank):
                if self.supervisor.stop(part.name):
                    self.say(f"{part.name} is stopped")
                forget(self.supervisor.run, part.name)
        self.supervisor.shut_down()
        forget(self.supervisor.run, "supervisord")
        for sentence in end_leftovers(self.supervisor.run):
            self.say(sentence)


def _states_that_count(part: Part) -> set[str]:
    """The states in which the part may be up; one that listens nowhere must have run a while."""
    return {"RUNNING"} if part.answers is always else {"STARTING", "RUNNING"}


@contextmanager
def running(
    installation: Installation, environment: dict[str, str], logs: Terminal | None
) -> Iterator[None]:
    """The installation, up for as long as the `with` lasts; while it stops, no signal counts."""
    try:
        if logs:
            logs.show()
        installation.start(environment)
        yield
    finally:
        # A second Ctrl-C would end us in the middle and leave parts running.
        ignore_signals()
        installation.stop()
        if logs:
            logs.close()
