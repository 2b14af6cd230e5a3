"""A whole installation of real processes, which a test may kill part by part."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from pmscoring.embedded.accounts import options_as
from pmscoring.embedded.cluster import Cluster
from tests.local_servers import Servers, free_port
from tests.paths import PYTHONPATH, ROOT, WEIGHTS

PATIENCE = 240.0
FILL = """
import json, sys
from pathlib import Path
from scoring.exams import definitions
from scoring.intake import submissions
path = Path("pmscoring/contract/examples/exam.json")
definitions.load(json.loads(path.read_text("utf-8"))["valid"][0]["value"])
submissions.take_all(
    (n, {"exam": "PM-2026", "candidate": f"c{n}", "answers": [
        {"question": "Q1", "text": f"要件が{n}回変わり、合意しないまま{n}日遅れた"}]})
    for n in range(1, COUNT + 1)
)
"""


class Site:
    """PostgreSQL, Valkey, inference, one worker and beat."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers, self.folder = servers, folder
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.port = free_port()
        self.environment = {
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "INFERENCE_URL": f"http://127.0.0.1:{self.port}",
            "INFERENCE_PORT": str(self.port),
            "INFERENCE_TOKEN": "a-token-for-tests",
            "SCORING_MODEL": str(WEIGHTS),
            "SCORING_STALLED_SECONDS": "5",
            "SCORING_BATCH": "128",
        }

    def manage(self, *words: str) -> None:
        """Run a management command to its end."""
        argv = [sys.executable, "manage.py", *words]
        subprocess.run(argv, cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def fill(self, count: int) -> None:
        """Load the example exam and hand in distinct answers."""
        self.manage("migrate")
        self.manage("shell", "-c", FILL.replace("COUNT", str(count)))

    def start(self, name: str) -> None:
        """Start (again) worker, beat or inference."""
        celery = ["-m", "celery", "-A", "pmscoring"]
        argv = {
            "worker": [*celery, "worker", "-Q", "scoring,default", "-c", "1"],
            "beat": [*celery, "beat"],
            "inference": ["-m", "inference_server"],
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.parts[name] = subprocess.Popen(
                [sys.executable, *argv],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if name == "inference":
            wait_for(self._inference_answers)

    def stands_still_with_answers_in_hand(self, name: str) -> bool:
        """Whether the part was stopped in the middle of a batch; between two it goes on."""
        group = self.parts[name].pid
        os.killpg(group, signal.SIGSTOP)
        if self.count("status = 'scoring'") > 0:
            return True
        os.killpg(group, signal.SIGCONT)
        return False

    def kill(self, name: str) -> None:
        """End a part and its children as a power cut would."""
        os.killpg(self.parts[name].pid, signal.SIGKILL)
        self.parts[name].wait()

    def restart_postgres(self) -> None:
        """Stop PostgreSQL at once, whoever is connected, and start it again."""
        process = self.servers.processes[0]
        process.send_signal(signal.SIGINT)
        process.wait(30)
        user = Cluster.under(self.servers.folder).user
        with (self.folder / "postgres.log").open("ab") as log:
            self.servers.processes[0] = subprocess.Popen(
                process.args, stdout=log, stderr=log, **options_as(user)
            )
        wait_for(lambda: self.count("TRUE") >= 0)

    def count(self, condition: str) -> int:
        """Answers of which the SQL condition holds; -1 while the database is away."""
        try:
            with psycopg.connect(self.servers.database_url, connect_timeout=3) as connection:
                query = f"SELECT count(*) FROM scoring_answer WHERE {condition}"  # noqa: S608
                row = connection.execute(query.encode()).fetchone()
                return int(row[0]) if row else 0
        except psycopg.OperationalError:
            return -1

    def marks_per_answer(self) -> list[tuple[int, int]]:
        """(number of marks, answers that have so many)."""
        query = (
            "SELECT n, count(*) FROM (SELECT count(m.id) AS n FROM scoring_answer a"
            " LEFT JOIN scoring_mark m ON m.answer_id = a.id GROUP BY a.id) AS each GROUP BY n"
        )
        with psycopg.connect(self.servers.database_url) as connection:
            return [(int(n), int(size)) for n, size in connection.execute(query)]

    def _inference_answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=2).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End what is still running."""
        for name, process in self.parts.items():
            if process.poll() is None:
                self.kill(name)


def wait_for(holds: object) -> None:
    """Return when it holds; fail the test when that takes too long."""
    assert callable(holds)
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.2)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """An installation for as long as the `with` lasts."""
    folder.chmod(0o755)
    with Servers(folder) as servers:
        made = Site(servers, folder)
        try:
            yield made
        finally:
            made.stop()
