"""PostgreSQL and Valkey from wheels, as plain foreground processes under a folder of their own."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pmscoring.embedded.accounts import options_as
from pmscoring.embedded.cluster import Cluster
from pmscoring.embedded.errors import CannotStart
from pmscoring.embedded.valkey import Valkey

__all__ = ["CannotStart", "Servers", "free_port", "wait_until"]
STARTING_SECONDS = 60.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(
    answers: Callable[[], bool],
    process: subprocess.Popen[bytes],
    log: Path,
    seconds: float = STARTING_SECONDS,
) -> None:
    """Return when the part answers; raise CannotStart when it died or took too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if answers():
            return
        time.sleep(0.05)
    raise CannotStart(f"{log.stem} did not start; its log is {log}")


class Servers:
    """PostgreSQL and Valkey for as long as the `with` lasts; both listen on 127.0.0.1 only."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self.processes: list[subprocess.Popen[bytes]] = []
        self.home = folder
        self.database_url = ""
        self.redis_url = ""
        self.clients = Path()

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
        """End what was started, the last one first, and remove data that need not last."""
        while self.processes:
            process = self.processes.pop()
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not self.durable and self.home != self.folder:
            shutil.rmtree(self.home, ignore_errors=True)

    def _spawn(self, name: str, argv: list[str], user: str | None = None) -> Path:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            self.processes.append(
                subprocess.Popen(argv, stdout=output, stderr=output, **options_as(user))
            )
        return log

    def _start_postgres(self) -> None:
        cluster, port = Cluster.under(self.folder), free_port()
        log = self._spawn("postgres", cluster.argv(port, durable=self.durable), cluster.user)
        self.home, self.clients = cluster.home, cluster.clients
        wait_until(lambda: cluster.answers(port), self.processes[-1], log)
        self.database_url = cluster.url(port)

    def _start_valkey(self) -> None:
        valkey, port = Valkey.under(self.folder), free_port()
        log = self._spawn("valkey", valkey.argv(port, durable=self.durable))
        self.redis_url = valkey.url(port)
        wait_until(lambda: valkey.answers(port), self.processes[-1], log)
