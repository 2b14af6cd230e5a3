"""What HAProxy itself answers where no web container does, by the configuration shipped here."""

import shutil
import subprocess
from collections.abc import Iterator
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
STATISTICS = "# For the published port on this host"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where HAProxy listens; there is no web container."""
    plain, behind_tls = free_port(), free_port()
    text = (FOLDER / "haproxy.cfg").read_text("utf-8").partition(STATISTICS)[0]
    for old, new in (
        ("/etc/haproxy", str(FOLDER)),
        ("/run/haproxy", str(tmp_path_factory.mktemp("run"))),
        (":8080", f":{plain}"),
        (":8081", f":{behind_tls}"),
    ):
        assert old in text
        text = text.replace(old, new)
    file: Path = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    file.write_text(text, "utf-8")
    argv = ["haproxy", "-f", str(file)]
    environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "HAPROXY_ADDRESS": "127.0.0.1"}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{plain}/"), seconds=30)
            yield f"http://127.0.0.1:{plain}"
        finally:
            process.terminate()


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
