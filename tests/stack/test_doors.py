"""What nginx and HAProxy let through: the page of a held application, and large archives."""

import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
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


@cache
def unchecked() -> ssl.SSLContext:
    """For any certificate; made once, since loading authorities takes longer than a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def opened(stack: Stack) -> ssl.SSLSocket:
    """A connection to nginx, of which the caller does as it likes."""
    raw = create_connection(("127.0.0.1", stack.ports["HTTPS"]), timeout=30)
    return unchecked().wrap_socket(raw, server_hostname="localhost")


def announced(stack: Stack, path: str, size: int = LARGE, headers: str = "") -> int:
    """The status of a request that says how large it is, before any of its body is sent."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {size}\r\n\r\n"
    with opened(stack) as connection:
        connection.sendall(head.encode())
        return int(connection.recv(64).split()[1])


def test_a_stranger_sends_no_large_body(stack: Stack, api: Api) -> None:
    size = 150_000
    assert announced(stack, "/api/v1/submissions/bulk", size) == 401
    assert announced(stack, "/admin/login/", size, "Cookie: sessionid=forged\r\n") == 302
    assert announced(stack, "/api/v1/uploads", size, "Authorization: Bearer forged\r\n") == 401
    known = httpx.Client(base_url=f"https://127.0.0.1:{stack.ports['HTTPS']}", verify=False)  # noqa: S501
    with known:
        lines = "\n" * size
        headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/x-ndjson"}
        refused = known.post("/api/v1/submissions/bulk", content=lines, headers=headers)
    # The product has read it.
    assert refused.status_code in {202, 400, 422}


@contextmanager
def slow_senders(stack: Stack, head: str, count: int = 16) -> Iterator[list[ssl.SSLSocket]]:
    """So many of them, each with half of a request."""
    with ExitStack() as open_ones:
        senders = []
        for _ in range(count):
            # nginx does not wait for a head until all are open.
            senders.append(open_ones.enter_context(opened(stack)))
            senders[-1].sendall(head.encode())
        yield senders


def slowest_look(stack: Stack, looks: int = 20) -> float:
    """Seconds that the slowest of some looks at a page of the product took."""
    seconds = []
    for _ in range(looks):
        with by_tls(stack) as client:
            began = time.monotonic()
            assert client.get("/health/live").status_code == 200
            seconds.append(time.monotonic() - began)
    return max(seconds)


def half_form(stack: Stack) -> str:
    """A request to sign in, of whose form the first byte is sent."""
    with by_tls(stack) as client:
        client.get("/admin/login/")
        token = client.cookies["csrftoken"]
    origin = "https://localhost"
    return (
        f"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nCookie: csrftoken={token}\r\n"
        f"Origin: {origin}\r\nReferer: {origin}/admin/login/\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 90000\r\n\r\na"
    )


def test_of_one_address_400_requests_are_under_way_at_once(stack: Stack, told: Told) -> None:
    with by_tls(stack) as client:
        with slow_senders(stack, half_form(stack), 400):
            wait_for(lambda: client.get("/health/live").status_code == 429, 25, "it is too many")
            page, problem = client.get("/admin/login/"), client.get("/api/v1/exams")
        assert (page.status_code, problem.status_code) == (429, 429)
        assert page.headers["Content-Type"].startswith("text/html")
        assert "リクエストが多すぎます" in page.text
        assert "Too many requests" in page.text
        assert problem.headers["Content-Type"] == "application/problem+json"
        assert problem.json()["status"] == 429
        assert {one.headers["Retry-After"] for one in (page, problem)} == {"5"}
        wait_for(lambda: client.get("/health/live").status_code == 200, 30, "there is room again")
    told("beyond 400 requests at once from one address: 429 as a page and as a problem document")


def test_slow_senders_do_not_silence_it(stack: Stack, told: Told) -> None:
    figures = []
    half_sent = half_form(stack)
    for head in ("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", half_sent):
        with slow_senders(stack, head):
            figures.append(slowest_look(stack))
    assert max(figures) < 1
    told(f"16 half-sent headers, 16 half-sent bodies: /health/live in {max(figures):.2f} s at most")


def test_a_header_that_does_not_end_is_cut_off(stack: Stack) -> None:
    began = time.monotonic()
    with opened(stack) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        connection.settimeout(60)
        assert connection.recv(64) in (b"", b"HTTP/1.1 408 Request Time-out\r\n")
    assert time.monotonic() - began < 30


def memory(stack: Stack) -> int:
    """Bytes that the processes of the web containers hold together."""
    script = "cat /proc/[0-9]*/status 2>/dev/null | sed -n 's/^RssAnon: *//p'"
    told = [one.run("sh", "-c", script) for one in stack.containers("web")]
    return sum(int(line.split()[0]) * 1024 for text in told for line in text.splitlines())


def test_large_bodies_of_strangers_grow_nothing(stack: Stack, told: Told) -> None:
    before = memory(stack)
    block = b"a" * 2**20
    for kind, count in (("application/x-www-form-urlencoded", 190), ("multipart/form-data", 600)):
        with by_tls(stack) as client, suppress(httpx.WriteError, httpx.ReadError):
            headers = {"Content-Type": f"{kind}; boundary=x"}
            body = (block for _ in range(count))
            answer = client.post("/admin/login/", content=body, headers=headers)
            assert answer.status_code in {302, 413}
    grown = memory(stack) - before
    assert grown < 50 * 2**20
    for one in stack.containers("web"):
        assert one.run("find", "/tmp", "-type", "f", "-size", "+1M") == ""
    told(f"190 MB and 600 MB of a stranger's: web grew by {grown / 2**20:.0f} MB")


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
