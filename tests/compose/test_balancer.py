"""What HAProxy itself answers where no web container does, by the configuration shipped here."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.local_servers import free_port
from tests.paths import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not shutil.which("haproxy"), reason="no haproxy here: .ci/packages brings one"
)
FOLDER = ROOT / "docker" / "haproxy"
OWN_WORDS = b"the database is away"
STATISTICS = "# For the published port on this host"


@contextmanager
def haproxy(folder: Path, *changes: tuple[str, str]) -> Iterator[str]:
    """Where HAProxy listens, by the configuration with these changes."""
    plain, behind_tls = free_port(), free_port()
    text = (FOLDER / "haproxy.cfg").read_text("utf-8").partition(STATISTICS)[0]
    for old, new in (
        ("/etc/haproxy", str(FOLDER)),
        ("/run/haproxy", str(folder)),
        (":8080", f":{plain}"),
        (":8081", f":{behind_tls}"),
        *changes,
    ):
        assert old in text
        text = text.replace(old, new)
    file = folder / "haproxy.cfg"
    file.write_text(text, "utf-8")
    argv = ["haproxy", "-f", str(file)]
    environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "HAPROXY_ADDRESS": "127.0.0.1"}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{plain}/"), seconds=30)
            yield f"http://127.0.0.1:{plain}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where HAProxy listens; there is no web container."""
    with haproxy(tmp_path_factory.mktemp("haproxy")) as address:
        yield address


def pauses(seconds: float) -> Iterator[None]:
    """Twice a second for so long."""
    for _ in range(int(2 * seconds)):
        yield
        time.sleep(0.5)


def _answers(address: str) -> bool:
    try:
        return bool(httpx.get(address, timeout=5, trust_env=False).status_code)
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("path", ["/api/v1/exams", "/health/ready"])
def test_it_answers_machines_with_a_problem(address: str, path: str) -> None:
    response = httpx.get(f"{address}{path}", trust_env=False)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Retry-After"] == "5"
    assert response.json()["status"] == 503


def test_it_answers_people_with_a_page_in_both_languages(address: str) -> None:
    response = httpx.get(f"{address}/admin/", trust_env=False)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'lang="ja"' in response.text
    assert "しばらくお待ちください" in response.text
    assert 'lang="en"' in response.text


class Unready(BaseHTTPRequestHandler):
    """A web container whose database is away, which says so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Not ready, and in its own words."""
        self.send_response(503)
        self.send_header("Content-Length", str(len(OWN_WORDS)))
        self.end_headers()
        self.wfile.write(OWN_WORDS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def names() -> Iterator[int]:
    """The port of a name server for which every name is this machine's (RFC 1035, type A)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                query, caller = server.recvfrom(4096)
                end = query.index(b"\0", 12) + 5
                is_a = query[end - 4 : end - 2] == b"\0\1"
                head = query[:2] + b"\x81\x80\0\1" + bytes([0, is_a, 0, 0, 0, 0])
                record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if is_a else b""
                server.sendto(head + query[12:end] + record, caller)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])


def test_web_containers_that_are_not_ready_answer_for_themselves(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Unready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with names() as port:
        changes = (
            ("127.0.0.11:53", f"127.0.0.1:{port}"),
            ("web:8000", f"web:{server.server_port}"),
        )
        with haproxy(tmp_path, *changes) as address:
            url = f"{address}/api/v1/exams"

            def answer() -> bytes:
                return httpx.get(url, timeout=5, trust_env=False).content

            wait_until(lambda: answer() == OWN_WORDS, seconds=30)
            # Longer than it takes to find out by three checks that it is not ready.
            assert {answer() for _ in pauses(seconds=8)} == {OWN_WORDS}
    server.shutdown()
