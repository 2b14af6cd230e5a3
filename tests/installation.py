"""A whole installation of real processes, of which a test may start, stop, kill and pause parts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import httpx
import psycopg

from pmscoring.embedded.accounts import options_as
from pmscoring.embedded.cluster import Cluster
from tests.local_servers import Servers, free_port
from tests.paths import PYTHONPATH, ROOT, WEIGHTS
from tests.waiting import wait_until

POSTGRES, VALKEY = 0, 1
CELERY = ("-m", "celery", "-A", "pmscoring")
COMMANDS = {
    "worker": (*CELERY, "worker", "-Q", "scoring,default,ops", "-c", "1"),
    "workers": (*CELERY, "worker", "-Q", "scoring,default,ops"),
    "beat": (*CELERY, "beat"),
    "inference": ("-m", "inference_server"),
    "web": ("-m", "gunicorn", "-c", "python:pmscoring.gunicorn"),
}
"""The parts, each with the words after `python` that run it; `workers` has as many processes as by
default."""
HEALTH = {"inference": "/health", "web": "/health/live"}
"""Where a part answers once it is up; the others are not waited for."""
CREATE_TOKEN = """
from django.contrib.auth.models import User
from scoring.models import ApiToken
user = User.objects.create_superuser("root", password="a-password-for-tests")
print("token", ApiToken.issue(user)[1])
"""


class Installation:
    """PostgreSQL and Valkey, its database migrated, and the parts that a test starts."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers, self.folder = servers, folder
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {name: free_port() for name in HEALTH}
        self.environment = {
            **os.environ,
            "ENVIRONMENT": "test",
            "PYTHONPATH": PYTHONPATH,
            "VAR_DIR": str(folder),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "WEB_BIND": f"127.0.0.1:{self.ports['web']}",
            "INFERENCE_URL": self._address("inference"),
            "INFERENCE_PORT": str(self.ports["inference"]),
            "INFERENCE_TOKEN": "a-token-for-tests",
            "SCORING_MODEL": str(WEIGHTS),
            "SCORING_STALLED_SECONDS": "5",
            "SCORING_BATCH": "128",
        }
        self.environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.manage("migrate")

    def manage(self, *words: str) -> str:
        """Run a management command to its end; what it prints."""
        argv = [sys.executable, "manage.py", *words]
        completed = subprocess.run(
            argv, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return completed.stdout

    def shell(self, script: str) -> str:
        """What the script prints that Django's shell runs."""
        return self.manage("shell", "-v", "0", "-c", script)

    @cached_property
    def token(self) -> str:
        """A superuser's."""
        return self.shell(CREATE_TOKEN).split("token ")[1].strip()

    @property
    def web(self) -> httpx.Client:
        """A patient client of the web server, with a superuser's token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(
            base_url=self._address("web"), headers=headers, timeout=60, trust_env=False
        )

    def start(self, name: str, **environment: str) -> None:
        """Start a part, and wait until it answers where it can say so; gunicorn has two workers."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.parts[name] = subprocess.Popen(
                [sys.executable, *COMMANDS[name]],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if name in HEALTH:
            wait_until(lambda: self._answers(name), what=f"{name} answers")

    def stop(self, name: str) -> None:
        """Stop a part as its supervisor would."""
        self.parts[name].send_signal(signal.SIGTERM)
        self.parts.pop(name).wait(60)

    def kill(self, name: str) -> None:
        """End a part and its children as a power cut would."""
        os.killpg(self.parts[name].pid, signal.SIGKILL)
        self.parts[name].wait()

    def pause_within_a_batch(self, name: str) -> bool:
        """Stop the part where it stands; between two batches it goes on, and False comes back."""
        group = self.parts[name].pid
        os.killpg(group, signal.SIGSTOP)
        if self.count("status = 'scoring'") > 0:
            return True
        os.killpg(group, signal.SIGCONT)
        return False

    def stop_server(self, which: int) -> None:
        """Stop PostgreSQL or Valkey, whoever is connected."""
        self.servers.processes[which].send_signal(signal.SIGINT)
        self.servers.processes[which].wait(30)

    def start_server(self, which: int) -> None:
        """Start it again where it was."""
        user = Cluster.under(self.servers.folder).user if which == POSTGRES else None
        argv = self.servers.processes[which].args
        with (self.folder / "server.log").open("ab") as log:
            self.servers.processes[which] = subprocess.Popen(
                argv, stdout=log, stderr=log, **options_as(user)
            )

    def restart_postgres(self) -> None:
        """Stop PostgreSQL at once and start it again; return when it answers."""
        self.stop_server(POSTGRES)
        self.start_server(POSTGRES)
        wait_until(lambda: self.count("TRUE") >= 0, what="PostgreSQL answers")

    @contextmanager
    def postgres_hanging(self) -> Iterator[None]:
        """PostgreSQL and all its backends stand still: connected, and silent."""
        pid = self.servers.processes[POSTGRES].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        pids = [pid, *map(int, children)]
        for each in pids:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in pids:
                os.kill(each, signal.SIGCONT)

    def count(self, condition: str) -> int:
        """Answers of which the SQL condition holds; -1 while the database is away."""
        try:
            with psycopg.connect(self.servers.database_url, connect_timeout=3) as connection:
                query = f"SELECT count(*) FROM scoring_answer WHERE {condition}"  # noqa: S608
                row = connection.execute(query.encode()).fetchone()
                return int(row[0]) if row else 0
        except psycopg.OperationalError:
            return -1

    def count_of_exam(self, exam: str, condition: str) -> int:
        """Answers of the exam of which the SQL condition holds."""
        exams = f"SELECT id FROM scoring_exam WHERE code = '{exam}'"  # noqa: S608
        submissions = f"SELECT id FROM scoring_submission WHERE exam_id IN ({exams})"  # noqa: S608
        return self.count(f"submission_id IN ({submissions}) AND {condition}")

    def marks_per_answer(self) -> list[tuple[int, int]]:
        """(number of marks, answers that have so many)."""
        query = (
            "SELECT n, count(*) FROM (SELECT count(m.id) AS n FROM scoring_answer a"
            " LEFT JOIN scoring_mark m ON m.answer_id = a.id GROUP BY a.id) AS each GROUP BY n"
        )
        with psycopg.connect(self.servers.database_url) as connection:
            return [(int(n), int(size)) for n, size in connection.execute(query)]

    def log(self, name: str) -> str:
        """What a part has written so far."""
        log = self.folder / f"{name}.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def close(self) -> None:
        """Kill the parts that still run."""
        for name, process in self.parts.items():
            if process.poll() is None:
                self.kill(name)

    def _address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def _answers(self, name: str) -> bool:
        try:
            return httpx.get(
                self._address(name) + HEALTH[name], timeout=2, trust_env=False
            ).is_success
        except httpx.TransportError:
            return False


@contextmanager
def installed(folder: Path, *, durable: bool = False) -> Iterator[Installation]:
    """An installation under the folder for as long as the `with` lasts."""
    folder.chmod(0o755)
    with Servers(folder, durable=durable) as servers:
        installation = Installation(servers, folder)
        try:
            yield installation
        finally:
            installation.close()
