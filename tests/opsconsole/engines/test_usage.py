"""The usage of all containers is asked for at once, however many they are."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest

from opsconsole.engines.containers import Containers
from opsconsole.engines.daemon import Daemon

RECORDED = Path(__file__).parent / "recorded"
MANY = 50
SECONDS = 20
ANSWERS = {"/version": {"ApiVersion": "1.41"}}


class Docker(ThreadingUnixStreamServer):
    """Answers as an engine has, and measures once so many wait for it, as one does each second."""

    daemon_threads = True
    request_queue_size = MANY

    def __init__(self, path: Path, waiting: int) -> None:
        super().__init__(str(path), Answer)
        self.measured = threading.Barrier(waiting)


class Answer(BaseHTTPRequestHandler):
    """Documents by the last word of the path."""

    protocol_version = "HTTP/1.1"
    server: Docker

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/stats"):
            self.server.measured.wait(SECONDS)
        name = "stats_v1" if path.endswith("/stats") else "container"
        body = json.dumps(ANSWERS.get(path)) if path in ANSWERS else read(name)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_words: Any) -> None:
        """A Unix socket has no address to log."""


def read(name: str) -> str:
    return (RECORDED / f"{name}.json").read_text("utf-8")


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "engine.sock"
    with Docker(path, MANY) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


def test_an_engine_that_measures_all_who_wait_does_so_once(docker: Path) -> None:
    containers = Containers(Daemon(f"unix://{docker}"), "site", {})
    usage = containers.usage({f"replica {n}": f"{n:064x}" for n in range(MANY)})
    assert len(usage) == MANY
    assert all(each.memory_bytes and each.counted for each in usage.values())
