"""supervisord as a child process: its configuration, its start, and calls to it."""

import io
import os
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import TypedDict, cast

from supervisor.xmlrpc import Faults

from pmscoring.base.files import write_whole
from pmscoring.base.waiting import wait_until
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.leftovers import remember
from pmscoring.embedded.parts import Part

LOG_BYTES = "10MB"
# Never reached: five deaths in a minute end the installation first.
START_RETRIES = 1000


class Info(TypedDict):
    """What supervisord knows of a program; times in whole seconds, `pid` 0 when it does not run."""

    name: str
    pid: int
    statename: str
    start: int
    stop: int
    spawnerr: str


class Supervisor:
    """Programs stay down until started; one that dies is started again, later each time."""

    def __init__(self, run: Path, logs: Path, port: int, password: str) -> None:
        self.run, self.logs, self.port = run, logs, port
        self.password = password
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """supervisord's own log."""
        return self.logs / "supervisord.log"

    @property
    def remote(self) -> xmlrpc.client.ServerProxy:
        """A connection of its own for each call, for a signal may cut one short."""
        url = f"http://pmscoring:{self.password}@127.0.0.1:{self.port}/RPC2"
        return xmlrpc.client.ServerProxy(url)

    def launch(self, parts: Sequence[Part], environment: dict[str, str]) -> None:
        """Start supervisord with these programs, all down; raises CannotStart."""
        path = self.run / "supervisord.conf"
        text = io.StringIO()
        self.configuration(parts).write(text)
        write_whole(path, text.getvalue())
        argv = [sys.executable, "-m", "supervisor.supervisord", "-n", "-s", "-c", str(path)]
        # A session of its own: Ctrl-C in the terminal is for us alone to answer.
        with (self.logs / "supervisord.err").open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603
                argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        remember(self.run, "supervisord", self.process.pid)
        if not wait_until(self._answers, 30, give_up=lambda: not self.alive()):
            raise CannotStart(f"supervisord did not start; its log is {self.log}")

    def configuration(self, parts: Sequence[Part]) -> ConfigParser:
        """The configuration file of supervisord."""
        config = ConfigParser(interpolation=None)
        config["supervisord"] = {
            "nodaemon": "true",
            "logfile": str(self.log),
            "logfile_maxbytes": LOG_BYTES,
            "pidfile": str(self.run / "supervisord.process"),
            "childlogdir": str(self.logs),
        } | ({"user": "root"} if os.geteuid() == 0 else {})
        config["inet_http_server"] = {
            "port": f"127.0.0.1:{self.port}",
            "username": "pmscoring",
            "password": self.password,
        }
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        for part in parts:
            config[f"program:{part.name}"] = self._program(part)
        for section in config.sections():
            for key, value in config[section].items():
                config[section][key] = value.replace("%", "%%")
        return config

    def _program(self, part: Part) -> dict[str, str]:
        program = {
            "command": shlex.join(part.argv),
            "directory": str(part.directory),
            "priority": str(part.rank),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": "2",
            "startretries": str(START_RETRIES),
            "stopsignal": part.stop_signal,
            "stopwaitsecs": str(part.stop_seconds),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(self.logs / f"{part.name}.log"),
            "stdout_logfile_maxbytes": LOG_BYTES,
            "stdout_logfile_backups": "5",
        }
        if part.check:
            # Read by the console; supervisord passes over what it does not know.
            program |= {"check": part.check, "starting_seconds": str(part.starting_seconds)}
        if part.environment:
            pairs = (f"{name}={shlex.quote(value)}" for name, value in part.environment.items())
            program["environment"] = ",".join(pairs)
        return program | ({"user": part.user} if part.user else {})

    def alive(self) -> bool:
        """Whether supervisord itself still runs."""
        return self.process is not None and self.process.poll() is None

    def _answers(self) -> bool:
        try:
            return bool(self.remote.supervisor.getState())
        except (OSError, xmlrpc.client.Error):
            return False

    def start(self, name: str) -> None:
        """Start a program without waiting for it; raises CannotStart when it cannot be run."""
        try:
            self.remote.supervisor.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            # It may die before the call comes back: it is started again, as after any death.
            if fault.faultCode != Faults.SPAWN_ERROR:
                raise CannotStart(f"{name}: {fault.faultString}") from fault

    def info(self) -> dict[str, Info]:
        """What each program does now, by name."""
        infos = cast("list[Info]", self.remote.supervisor.getAllProcessInfo())
        return {info["name"]: info for info in infos}

    def stop(self, name: str) -> bool:
        """Stop a program and wait for its end; False when it did not run."""
        try:
            return bool(self.remote.supervisor.stopProcess(name, True))
        except (OSError, xmlrpc.client.Fault):
            return False

    def shut_down(self) -> None:
        """End supervisord, and with it whatever still runs."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait()
