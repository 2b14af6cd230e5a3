"""supervisord of the embedded installation, as the file run/supervisord.conf says it is reached."""

import xmlrpc.client
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, TypeVar

from django.utils.translation import gettext as _

SECONDS = 4.0
"""Within them supervisord must answer."""
CONFIGURATION = "supervisord.conf"
PROGRAM = "program:"
T = TypeVar("T")


class SupervisorError(Exception):
    """supervisord refused, in its own words."""


class SupervisorAway(SupervisorError):
    """supervisord does not run, or does not answer in time."""


@dataclass(frozen=True)
class Program:
    """What supervisord knows of a program; times in seconds since 1970, 0 for never."""

    name: str
    state: str
    pid: int
    start: int
    stop: int
    exit_status: int
    says: str


@dataclass(frozen=True)
class Configured:
    """What the configuration says of a program.

    `check` is the URL that shows its health, and `starting_seconds` what it has until it answers:
    two lines of ours, which supervisord passes over.
    """

    name: str
    log: Path
    check: str
    starting_seconds: float
    stop_seconds: int


class Transport(xmlrpc.client.Transport):
    """One that does not wait for ever."""

    def make_connection(self, host: Any) -> HTTPConnection:
        """A connection that gives up after SECONDS."""
        connection = super().make_connection(host)
        connection.timeout = SECONDS
        return connection


class Supervisor:
    """The one whose configuration lies in the folder `run`, which only its owner can read."""

    def __init__(self, run: Path) -> None:
        self.run = run

    def programs(self) -> list[Program]:
        """All, running or not."""
        return [
            Program(
                str(info["name"]),
                str(info["statename"]),
                int(info["pid"]),
                int(info["start"]),
                int(info["stop"]),
                int(info["exitstatus"]),
                str(info["spawnerr"]),
            )
            for info in self._ask(lambda remote: remote.getAllProcessInfo())
        ]

    def start(self, name: str) -> None:
        """Start a program without waiting for it."""
        self._ask(lambda remote: remote.startProcess(name, False))

    def stop(self, name: str) -> None:
        """Ask a program to end, without waiting for it."""
        self._ask(lambda remote: remote.stopProcess(name, False))

    def end(self, name: str) -> None:
        """Let it end as if by itself, so that supervisord starts it again."""
        self._ask(lambda remote: remote.signalProcess(name, "TERM"))

    def configured(self) -> dict[str, Configured]:
        """The programs of the configuration, by name."""
        config = self._configuration()
        return {
            section.removeprefix(PROGRAM): _configured(section, dict(config[section]))
            for section in config.sections()
            if section.startswith(PROGRAM)
        }

    def log(self) -> Path:
        """Its own log."""
        return Path(_plain(self._configuration()["supervisord"]["logfile"]))

    def _ask(self, question: Callable[[Any], T]) -> T:
        server = self._configuration()["inet_http_server"]
        user, password = server["username"], _plain(server["password"])
        url = f"http://{user}:{password}@{server['port']}/RPC2"
        with _in_our_words(), xmlrpc.client.ServerProxy(url, transport=Transport()) as remote:
            return question(remote.supervisor)

    def _configuration(self) -> ConfigParser:
        config = ConfigParser(interpolation=None)
        try:
            with (self.run / CONFIGURATION).open(encoding="utf-8") as file:
                config.read_file(file)
        except (OSError, ConfigError) as error:
            why = error.strerror if isinstance(error, OSError) else type(error).__name__
            raise SupervisorAway(
                _("The installation does not run: {why}").format(why=why)
            ) from None
        return config


@contextmanager
def _in_our_words() -> Iterator[None]:
    # No text of an error is passed on that may hold the URL, and in it the password.
    try:
        yield
    except xmlrpc.client.Fault as fault:
        raise SupervisorError(fault.faultString) from None
    except TimeoutError:
        says = _("supervisord does not answer within {seconds:g} s").format(seconds=SECONDS)
        raise SupervisorAway(says) from None
    except (OSError, HTTPException, xmlrpc.client.Error) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise SupervisorAway(_("supervisord does not answer: {why}").format(why=why)) from None


def _configured(section: str, settings: dict[str, str]) -> Configured:
    return Configured(
        section.removeprefix(PROGRAM),
        Path(_plain(settings.get("stdout_logfile", ""))),
        _plain(settings.get("check", "")),
        float(settings.get("starting_seconds", "60")),
        int(settings.get("stopwaitsecs", "10")),
    )


def _plain(value: str) -> str:
    """A value as it was before a percent sign was doubled for supervisord."""
    return value.replace("%%", "%")
