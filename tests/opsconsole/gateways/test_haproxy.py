"""Counters in the form in which HAProxy's exporter tells them, and a HAProxy that runs here."""

import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from opsconsole.gateways import haproxy
from opsconsole.gateways.haproxy import HaproxyError, requests
from tests.local_servers import free_port
from tests.opsconsole.gateways.answering import Answering, answering, text
from tests.waiting import wait_until

PROGRAM = shutil.which("haproxy")
EXPORTED = """\
# HELP haproxy_backend_http_requests_total Total number of HTTP requests processed by this object.
# TYPE haproxy_backend_http_requests_total counter
haproxy_backend_http_requests_total{proxy="web"} 1234
haproxy_backend_http_requests_total{proxy="unready"} 10
haproxy_backend_http_requests_total{proxy="statistics"} 7
"""


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering(text(EXPORTED)) as there:
        yield there


def test_it_counts_the_requests_to_web_ready_or_not(server: Answering) -> None:
    assert requests(server.url) == {"127.0.0.1": 1244.0}
    assert server.asked[0][0] == "GET /metrics?scope=backend HTTP/1.1"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("", 200, "does not count"),
        ("Unauthorized", 401, "HTTP 401"),
        ('haproxy_backend_http_requests_total{proxy="web"} NaN\n', 200, "does not count"),
    ],
)
def test_everything_else_is_trouble_in_words(
    server: Answering, body: str, status: int, words: str
) -> None:
    server.answer = text(body, status)
    with pytest.raises(HaproxyError, match=words):
        requests(server.url)


def test_one_that_is_away_is_trouble() -> None:
    with pytest.raises(HaproxyError, match="away"):
        requests(f"http://127.0.0.1:{free_port()}")


def test_a_name_that_is_nobodys_is_trouble() -> None:
    with pytest.raises(HaproxyError, match=r"under the name nobody\.invalid"):
        requests("http://nobody.invalid:8404")


def test_one_that_hangs_is_given_up(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy, "SECONDS", 0.2)
    server.answer = lambda handler: time.sleep(1)
    with pytest.raises(HaproxyError, match=r"did not answer within 0\.2 s"):
        requests(server.url)


def test_a_real_one_counts_what_comes_through_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    if PROGRAM is None:
        pytest.skip("haproxy is not installed (Debian's package haproxy)")
    front, statistics = free_port(), free_port()
    configuration = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    configuration.write_text(
        "defaults\n mode http\n timeout connect 2s\n timeout client 5s\n timeout server 5s\n"
        f"frontend plain\n bind 127.0.0.1:{front}\n default_backend web\n"
        "backend web\n server-template web 3 127.0.0.1:9\n"
        f"frontend statistics\n bind 127.0.0.1:{statistics}\n"
        " http-request use-service prometheus-exporter if { path /metrics }\n"
    )
    process = subprocess.Popen([PROGRAM, "-db", "-f", str(configuration)])
    try:
        wait_until(lambda: _answers(statistics), seconds=20)
        before = requests(f"http://127.0.0.1:{statistics}")["127.0.0.1"]
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{front}/").status_code == 503
        assert requests(f"http://127.0.0.1:{statistics}")["127.0.0.1"] == before + 3
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        requests(f"http://127.0.0.1:{port}")
    except HaproxyError:
        return False
    return True
