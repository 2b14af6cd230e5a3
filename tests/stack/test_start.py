"""It starts whole, says that it is healthy through every door, and not without its secrets."""

import re
import ssl
from pathlib import Path

import httpx
import pytest

from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import EngineError, docker_logs, wait_for
from tests.stack.stack import Stack


def test_it_starts_and_all_are_healthy(stack: Stack, told: Told) -> None:
    assert {one.health for one in stack.containers()} == {"healthy"}
    services = {one.service for one in stack.containers()}
    told(f"{len(services)} services healthy after {stack.started_in:.0f} s: {sorted(services)}")


def test_it_answers_healthy_on_the_published_port(api: Api) -> None:
    with api.client() as client:
        # A worker that only now begins may miss a look.
        wait_for(lambda: statuses(client) == {"healthy"}, 60, "all checks are healthy")


def statuses(client: httpx.Client) -> set[str]:
    """Those of the whole and of its checks."""
    document = client.get("/health").json()
    return {document["status"], *(check["status"] for check in document["checks"].values())}


def test_it_answers_by_tls_with_the_certificate_that_init_secrets_made(stack: Stack) -> None:
    trusted = ssl.create_default_context(cafile=str(stack.secrets / "tls" / "tls.crt"))
    with httpx.Client(verify=trusted, trust_env=False, timeout=60) as client:
        answer = client.get(f"https://127.0.0.1:{stack.ports['HTTPS']}/health")
    assert answer.json()["status"] == "healthy"
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_it_sends_callers_without_tls_to_tls(stack: Stack) -> None:
    answer = httpx.get(f"http://127.0.0.1:{stack.ports['HTTP']}/admin/", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://127.0.0.1:{stack.ports['HTTPS']}/admin/"


def test_its_pages_have_their_styles_and_scripts(api: Api) -> None:
    with api.client() as client:
        page = client.get("/admin/login/").text
        files = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)))
        answers = {file: client.get(file).status_code for file in files}
    assert len(files) > 3
    assert set(answers.values()) == {200}, answers


def test_every_published_port_is_open_to_this_host_alone(stack: Stack) -> None:
    for one in stack.containers():
        for bound in (one.told["NetworkSettings"]["Ports"] or {}).values():
            assert {place["HostIp"] for place in bound or []} <= {"127.0.0.1"}, one.name


@pytest.mark.parametrize("name", ["secret_key", "database_password", "inference_token"])
def test_a_missing_secret_stops_the_start_and_is_named(
    name: str, stack: Stack, tmp_path: Path
) -> None:
    other = Stack(tmp_path, stack.prefix)
    other.write_secrets()
    (other.secrets / name).unlink()
    with pytest.raises(EngineError, match=name):
        other.compose("run", "--rm", "--no-deps", "-T", "migrate", "true")


def test_the_secrets_folder_is_its_owners_alone(stack: Stack) -> None:
    assert stack.secrets.stat().st_mode & 0o777 == 0o700
    for file in stack.secrets.rglob("*"):
        assert file.stat().st_mode & 0o777 == (0o755 if file.is_dir() else 0o444), file


def test_the_first_users_password_is_told_once(stack: Stack) -> None:
    [migrate] = stack.containers("migrate", ended=True)
    told = docker_logs(migrate.id)
    assert told.count("sign in as admin with the password") == 1
    assert stack.manage("first_user") == ""
