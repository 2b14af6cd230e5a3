"""The containers' probe, against a web server of the test's own."""

import importlib.util
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from tests.paths import ROOT


class Answers(BaseHTTPRequestHandler):
    """Refuses one path as a guard would, and fails at another."""

    def do_GET(self) -> None:
        status = {"/api/v1/exams": 401, "/admin/login/": 500}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Nothing."""


@pytest.fixture
def probe() -> Iterator[ModuleType]:
    """The script, which asks the test's server."""
    spec = importlib.util.spec_from_file_location("probe", ROOT / "docker/app/probe.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever)
    thread.start()
    made.__dict__["PORT"] = server.server_port
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_counts_faults_of_the_server_and_not_what_it_refuses(probe: ModuleType) -> None:
    counted = probe.requests(20)
    assert (counted["ok"], counted["failed"]) == (16, 4)
    assert 0 < counted["p95_ms"] < 5000


def test_a_server_that_is_away_answers_nothing(probe: ModuleType) -> None:
    probe.__dict__["PORT"] = 9
    assert probe.requests(5)["failed"] == 5


@pytest.mark.parametrize(
    ("command", "lives"),
    [
        ("/sbin/docker-init\0--\0python\0manage.py\0deploy\0--drive\0", True),
        ("/sbin/docker-init\0--\0celery\0-A\0pmscoring\0worker\0", False),
    ],
)
def test_only_a_container_with_a_worker_asks_for_its_answer(
    command: str, lives: bool, probe: ModuleType, tmp_path: Path
) -> None:
    probe.__dict__["COMMAND"] = tmp_path / "cmdline"
    (tmp_path / "cmdline").write_text(command)
    assert probe.worker() is lives
