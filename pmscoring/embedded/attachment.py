"""Points a command of manage.py at the installation of VAR_DIR, whether that runs or not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

from pmscoring.base import env
from pmscoring.base.waiting import wait_until
from pmscoring.embedded.accounts import options_as
from pmscoring.embedded.cluster import Cluster
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.folders import check_owner, make_folders, read_ports, write_ports
from pmscoring.embedded.leftovers import end_leftovers, is_alive, remember
from pmscoring.embedded.lock import is_last, join, one_by_one
from pmscoring.embedded.passwords import kept_secrets
from pmscoring.embedded.ports import chosen_ports
from pmscoring.embedded.signals import ignore_signals
from pmscoring.embedded.valkey import Valkey

STARTING_SECONDS = 60.0
LOOK_SECONDS = 0.2
# Nothing listens there: without a broker of our own a message goes to no stranger's Redis either.
NO_REDIS = "redis://127.0.0.1:1/0"
WAYS_OUT = (
    "`make run` makes one, VAR_DIR names the folder of another (the demo's is var/demo), and "
    "DATABASE_URL a database"
)
Ports = dict[str, int]


@contextmanager
def attached(var: Path, *, make: bool = False) -> Iterator[None]:
    """Let the environment name the servers of the installation in `var`, where it names none.

    With `make` an installation that there is not yet begins, with an empty database.
    If the installation is stopped, its PostgreSQL runs for as long as the `with` lasts. Raises
    CannotStart.
    """
    cluster = _made_cluster(var) if make else _cluster(var)
    with _postgres(var, cluster) as ports:
        for name, value in _environment(var, cluster, ports).items():
            if not env.text(name, ""):
                os.environ[name] = value
        yield


def _made_cluster(var: Path) -> Cluster:
    """The cluster of this folder, made where there is none."""
    run, _logs = make_folders(var)
    # Of two commands on an empty folder one makes it.
    with one_by_one(run):
        return Cluster.under(var)


def _cluster(var: Path) -> Cluster:
    """The cluster that an earlier start has made."""
    nothing = f"there is no installation in {var}: {WAYS_OUT}"
    try:
        check_owner(var / "run")
        cluster = Cluster.existing(var)
    except (FileNotFoundError, NotADirectoryError):
        raise CannotStart(nothing) from None
    except PermissionError as error:
        raise CannotStart(f"{error.filename}: {error.strerror}; it is another user's") from error
    if cluster is None:
        raise CannotStart(nothing)
    return cluster


def _environment(var: Path, cluster: Cluster, ports: Ports) -> dict[str, str]:
    # Two commands must not both make a secret that is missing.
    with one_by_one(var / "run"):
        names = kept_secrets(var / "run")
        redis_url = Valkey.under(var).url(ports["valkey"]) if "valkey" in ports else NO_REDIS
    names |= {"DATABASE_URL": cluster.url(ports["postgres"]), "REDIS_URL": redis_url}
    names |= {"POSTGRES_BIN": str(cluster.clients), "ENGINE": "embedded"}
    if "inference" in ports:
        names["INFERENCE_URL"] = f"http://127.0.0.1:{ports['inference']}"
    return names


@contextmanager
def _postgres(var: Path, cluster: Cluster) -> Iterator[Ports]:
    """The ports of the parts that are running, PostgreSQL among them."""
    run, logs = make_folders(var)
    ports, lock = _wait_for_ports(run, logs, cluster)
    try:
        yield ports
    finally:
        if lock:
            _leave(run, lock)


def _wait_for_ports(run: Path, logs: Path, cluster: Cluster) -> tuple[Ports, TextIO | None]:
    """The ports; and our share of the installation's lock, or None where a supervisor holds it."""
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end:
        # One by one: of two commands that find no server both would start one, and a server that
        # is found here could be stopped at this moment by a command that leaves.
        with one_by_one(run):
            lock = join(run)
            if lock:
                _listen_to_signals()
            ports = _running(run, cluster)
            if lock and not ports:
                ports = _start(run, logs, cluster)
        if ports:
            return ports, lock
        _refuse_another_database(run)
        time.sleep(LOOK_SECONDS)
    raise CannotStart(f"the installation in {run.parent} is being started or stopped; try again")


def _refuse_another_database(run: Path) -> None:
    """Raise CannotStart where a supervisor runs all but PostgreSQL."""
    ports = read_ports(run)
    if "supervisor" in ports and "postgres" not in ports:
        given = f"the installation in {run.parent} runs on a database that it was given"
        raise CannotStart(f"{given}: set DATABASE_URL as it was set there")


def _running(run: Path, cluster: Cluster) -> Ports:
    """The ports if PostgreSQL lives and answers; the file may be of a start that was killed."""
    ports = read_ports(run)
    is_up = "postgres" in ports and is_alive(run, "postgres")
    return ports if is_up and cluster.answers(ports["postgres"]) else {}


def _start(run: Path, logs: Path, cluster: Cluster) -> Ports:
    """Start PostgreSQL alone; the last command to leave stops it, whether it is this one or not."""
    for sentence in end_leftovers(run):
        print(f"pmscoring: {sentence}", file=sys.stderr)  # noqa: T201
    ports = chosen_ports({"postgres": 0})
    write_ports(run, ports)
    argv, log = cluster.argv(ports["postgres"]), logs / "postgres.log"
    with log.open("ab") as output:
        # A session of its own: Ctrl-C is for the command, and stops PostgreSQL through it.
        server = subprocess.Popen(  # noqa: S603
            argv, stdout=output, stderr=output, start_new_session=True, **options_as(cluster.user)
        )
    # If we are killed before this line, no file names the server. The next start then fails, and
    # its log says that another server uses the folder.
    remember(run, "postgres", server.pid)

    def answers() -> bool:
        return cluster.answers(ports["postgres"])

    try:
        if not wait_until(answers, STARTING_SECONDS, give_up=lambda: server.poll() is not None):
            raise CannotStart(f"PostgreSQL did not start; its log is {log}")
    except BaseException:
        list(end_leftovers(run))
        raise
    return ports


def _leave(run: Path, lock: TextIO) -> None:
    """Stop PostgreSQL unless another command uses it, or supervisord does after a killed start."""
    ignore_signals()
    with one_by_one(run), lock:
        if is_last(lock) and not is_alive(run, "supervisord"):
            list(end_leftovers(run))


def _listen_to_signals() -> None:
    """Let a signal to stop end the command as an exit does, which stops PostgreSQL on its way."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) == signal.SIG_DFL:
            signal.signal(signum, _exit)


def _exit(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)
