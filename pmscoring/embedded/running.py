"""Starts the parts in order, watches over them, and stops them in order."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pmscoring.embedded.deaths import FROM_DEATHS, Deaths
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.leftovers import end_leftovers, forget, remember, remembered
from pmscoring.embedded.parts import Part, Step, always
from pmscoring.embedded.supervisor import Supervisor, patiently
from pmscoring.embedded.terminal import Terminal, last_lines

EVERY_SECONDS = 0.5
TELLING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Say = Callable[[str], None]
_heard: list[signal.Signals] = []


class DiesTooOften(RuntimeError):
    """A part, or supervisord, cannot be kept alive."""


class Told(BaseException):
    """A signal told us to stop."""


class Stack:
    """The parts under one supervisor; raises CannotStart and DiesTooOften."""

    def __init__(self, supervisor: Supervisor, work: Sequence[Part | Step], say: Say) -> None:
        self.supervisor, self.work, self.say = supervisor, work, say
        self.parts = [item for item in work if isinstance(item, Part)]
        self.deaths = Deaths()

    def start(self, environment: dict[str, str]) -> None:
        """Do the steps and start the parts, each when the one before it answers."""
        self.supervisor.launch(self.parts, environment)
        for item in self.work:
            if isinstance(item, Step):
                self._do(item, environment)
            else:
                self._start(item)

    def _do(self, step: Step, environment: dict[str, str]) -> None:
        log = self.supervisor.logs / f"{step.name}.log"
        with log.open("ab") as output:
            shown = None if step.on_terminal else output
            done = subprocess.run(  # noqa: S603
                step.argv,
                cwd=step.directory,
                env=environment,
                stdout=shown,
                stderr=shown,
                check=False,
            )
        if done.returncode:
            raise CannotStart(
                "\n".join([f"{step.name} failed; its log is {log}", *last_lines(log, 20)])
            )

    def _start(self, part: Part) -> None:
        began = time.monotonic()
        self.supervisor.start(part.name)
        if not patiently(lambda: self._up(part), part.starting_seconds, self._hopeless):
            log = self.supervisor.logs / f"{part.name}.log"
            lines = [f"{part.name} did not start; its log is {log}", *last_lines(log, 20)]
            raise CannotStart("\n".join(lines))
        self.say(f"{part.name} is up after {time.monotonic() - began:.1f} s")

    def _up(self, part: Part) -> bool:
        state = self.supervisor.info()[part.name]["statename"]
        return state in _enough(part) and part.answers()

    def _hopeless(self) -> bool:
        self.look()
        return False

    def watch(self, over: Callable[[], bool]) -> None:
        """Look after the parts until it is over."""
        while not over():
            self.look()
            time.sleep(EVERY_SECONDS)

    def look(self) -> None:
        """Write down who runs and who has died; raises DiesTooOften, and Told when told to stop."""
        heed_signals()
        try:
            infos = self.supervisor.info()
        except OSError as error:
            raise DiesTooOften(f"supervisord does not answer: {error}") from error
        for name, info in infos.items():
            if info["pid"] and info["pid"] != (remembered(self.supervisor.run, name) or [0])[0]:
                remember(self.supervisor.run, name, info["pid"])
            if not self.deaths.seen(name, info["stop"]):
                continue
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


def _enough(part: Part) -> set[str]:
    """The states in which its answer counts: one that answers nobody must have lived a while."""
    return {"RUNNING"} if part.answers is always else {"STARTING", "RUNNING"}


@contextmanager
def alone(run: Path) -> Iterator[None]:
    """Hold the folder for ourselves; the kernel lets go of it when we die. Raises CannotStart."""
    run.mkdir(parents=True, exist_ok=True)
    with (run / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"another start holds {run}; stop that one first") from error
        yield


@contextmanager
def running(stack: Stack, environment: dict[str, str], logs: Terminal | None) -> Iterator[None]:
    """The stack, up for as long as the `with` lasts; while it stops, no signal counts."""
    try:
        if logs:
            logs.show()
        stack.start(environment)
        yield
    finally:
        for signum in TELLING:
            signal.signal(signum, signal.SIG_IGN)
        stack.stop()
        if logs:
            logs.close()


def listen_to_signals() -> None:
    """From now on a signal to stop raises Told; one that the caller ignores stays ignored."""
    for signum in TELLING:
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, _told)


def heed_signals() -> None:
    """Raise Told if a signal to stop has ever come.

    The handler's own exception is lost when the signal comes while an object is finalized, as a
    connection is after every call: Python only prints what a finalizer raises.
    """
    if _heard:
        raise Told(_heard[0].name)


def _told(signum: int, frame: FrameType | None) -> None:
    _heard.append(signal.Signals(signum))
    heed_signals()


def make_folders(var: Path) -> tuple[Path, Path]:
    """The folders `run` and `log`; they and what lies in them are ours alone."""
    run, logs = var / "run", var / "log"
    var.mkdir(parents=True, exist_ok=True)
    for folder in (run, logs):
        folder.mkdir(exist_ok=True)
        os.chmod(folder, 0o700)
    return run, logs
