"""A whole installation of real processes with a web server, for tests of what crosses them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from pmscoring.embedded.accounts import options_as
from pmscoring.embedded.cluster import Cluster
from tests.faults.site import Site, wait_for
from tests.local_servers import Servers, free_port
from tests.paths import ROOT

POSTGRES, VALKEY = 0, 1
TOKEN = """
from django.contrib.auth.models import User
from scoring.models import ApiToken
user = User.objects.create_superuser("root", password="a-password-for-tests")
print("token", ApiToken.issue(user)[1])
"""


class Installation(Site):
    """PostgreSQL, Valkey and the parts that a test starts: web, worker, beat, inference."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        super().__init__(servers, folder)
        self.web_port = free_port()
        self.environment |= {
            "WEB_BIND": f"127.0.0.1:{self.web_port}",
            "VAR_DIR": str(folder),
            "ENVIRONMENT": "test",
        }
        self.environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.manage("migrate")
        self.token = self.shell(TOKEN).split("token ")[1].strip()

    @property
    def web(self) -> httpx.Client:
        """A caller with a token, who waits long."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"http://127.0.0.1:{self.web_port}"
        return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def shell(self, script: str) -> str:
        """What the script prints that Django's shell runs."""
        argv = [sys.executable, "manage.py", "shell", "-v", "0", "-c", script]
        done = subprocess.run(
            argv, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def start_web(self, **environment: str) -> None:
        """gunicorn as the stack starts it, with two workers."""
        with (self.folder / "web.log").open("ab") as log:
            self.parts["web"] = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "python:pmscoring.gunicorn"],
                cwd=ROOT,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self._web_answers)

    def _web_answers(self) -> bool:
        try:
            return self.web.get("/health/live").is_success
        except httpx.TransportError:
            return False

    def end(self, name: str) -> None:
        """Stop a part as its supervisor would."""
        self.parts[name].send_signal(signal.SIGTERM)
        self.parts.pop(name).wait(60)

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

    @contextmanager
    def postgres_hanging(self) -> Iterator[None]:
        """PostgreSQL and all its backends stand still: connected, and silent."""
        pid = self.servers.processes[POSTGRES].pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        pids = [pid, *map(int, children)]
        for one in pids:
            os.kill(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in pids:
                os.kill(one, signal.SIGCONT)

    def answers(self, exam: str, condition: str) -> int:
        """Answers of the exam of which the SQL condition holds."""
        exams = f"SELECT id FROM scoring_exam WHERE code = '{exam}'"  # noqa: S608
        handed_in = f"SELECT id FROM scoring_submission WHERE exam_id IN ({exams})"  # noqa: S608
        return self.count(f"submission_id IN ({handed_in}) AND {condition}")

    def log(self, name: str) -> str:
        """What a part has written so far."""
        log = self.folder / f"{name}.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """An installation for as long as the `with` lasts."""
    folder.chmod(0o755)
    with Servers(folder, durable=False) as servers:
        made = Installation(servers, folder)
        try:
            yield made
        finally:
            made.stop()
