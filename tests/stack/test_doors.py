"""What nginx and HAProxy let through: the page of a held application, and large archives."""

import ssl
import time
from socket import create_connection

import httpx

from tests.stack import round_trip
from tests.stack.callers import Api
from tests.stack.conftest import Told
from tests.stack.engine import wait_for
from tests.stack.stack import Stack

HOLD = "from pmscoring.base import hold; c = hold._client(); c.set(hold.KEY, 'of-a-test', ex=30)"
LIFT = "from pmscoring.base import hold; hold._client().delete(hold.KEY)"
LARGE = 230 * 1024 * 1024
UPLOAD = "/admin/opsconsole/backup/upload/"


def by_tls(stack: Stack) -> httpx.Client:
    """Through nginx."""
    url = f"https://127.0.0.1:{stack.ports['HTTPS']}"
    return httpx.Client(base_url=url, verify=False, trust_env=False, timeout=300)  # noqa: S501


def test_a_held_application_shows_its_own_page_through_both_doors(stack: Stack, told: Told) -> None:
    plain = httpx.Client(
        base_url=f"http://127.0.0.1:{stack.ports['HAPROXY']}", trust_env=False, timeout=60
    )
    stack.manage("shell", "-v", "0", "-c", HOLD)
    try:
        with by_tls(stack) as secure, plain:
            for client in (secure, plain):
                wait_for(lambda: client.get("/admin/").status_code == 503, 15, "it is held")  # noqa: B023
                page = client.get("/admin/", headers={"Accept-Language": "en"})
                assert page.status_code == 503
                assert "text/html" in page.headers["Content-Type"]
                assert "No web server answers" not in page.text
                problem = client.get("/api/v1/exams", headers={"Accept": "application/json"})
                assert problem.headers["Content-Type"].startswith("application/problem+json")
                assert client.get("/health/live").status_code == 200
    finally:
        stack.manage("shell", "-v", "0", "-c", LIFT)
    told("held: its own page and problem document through nginx and HAProxy")


def announced(stack: Stack, path: str) -> int:
    """The status of a request that says it is large, before any of its body is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGE}\r\n\r\n"
    with (
        create_connection(("127.0.0.1", stack.ports["HTTPS"]), timeout=30) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as connection,
    ):
        connection.sendall(head.encode())
        return int(connection.recv(64).split()[1])


def test_only_the_upload_page_of_backups_takes_more_than_210_megabytes(stack: Stack) -> None:
    assert announced(stack, "/api/v1/uploads") == 413
    assert announced(stack, "/admin/login/") == 413
    assert announced(stack, f"{UPLOAD}more") == 413
    # Whoever is not signed in is sent to sign in, before the body is read.
    assert announced(stack, UPLOAD) == 302


def test_an_upload_of_that_size_arrives_whole_and_is_looked_at(
    stack: Stack, api: Api, told: Told
) -> None:
    if not api.signs_in(*round_trip.USER):
        round_trip.make_user(stack)
    name, password = round_trip.USER
    with by_tls(stack) as client:
        client.get("/admin/login/")
        form = {"username": name, "password": password, "next": "/admin/"}
        form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
        referer = {"Referer": f"{client.base_url}/admin/login/"}
        client.post("/admin/login/", data=form, headers=referer)
        token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
        began = time.monotonic()
        files = {"file": ("large.tar", b"\0" * LARGE, "application/x-tar")}
        headers = {"Referer": f"{client.base_url}{UPLOAD}", "Accept-Language": "en"}
        answer = client.post(UPLOAD, data=token, files=files, headers=headers)
    assert answer.status_code == 200
    # An empty archive, to tar: all of its blocks are zeros.
    assert "this archive holds no backup" in answer.text
    told(f"{LARGE // 2**20} MB uploaded in {time.monotonic() - began:.1f} s")
