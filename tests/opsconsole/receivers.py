"""Real local servers that notices are sent to: one of SMTP, one of HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.local_servers import free_port

CANARY = "Kanarienvogel-4711"
"""The password in every address of a channel: it must appear nowhere."""


class Receiver:
    """An HTTP server that keeps what it is sent; `answer` decides how it answers."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.notices: list[dict[str, Any]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = answers(200)

    @property
    def url(self) -> str:
        """The address of a channel."""
        return f"json://ann:{CANARY}@127.0.0.1:{self.port}/hooks/{CANARY}"


def answers(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer with this status."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.end_headers()

    return answer


def trickles(handler: BaseHTTPRequestHandler) -> None:
    """Never end the answer, and never let a read wait long."""
    for _ in range(300):
        handler.wfile.write(b"X")
        time.sleep(0.1)


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    """The server, which is stopped at the end."""
    receiver = Receiver(free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.notices.append(json.loads(body))
            receiver.answer(self)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", receiver.port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class Mail:
    """A mail server that keeps what it is sent, and lets in who knows the password."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep the letter."""
        self.letters.append(message_from_bytes(envelope.content))
        return "250 OK"

    def url(self, password: str = CANARY) -> str:
        """The address of a channel."""
        return (
            f"mailto://ann:{password}@127.0.0.1:{self.port}"
            "?from=pm@example.org&to=ops@example.org&mode=insecure"
        )


@contextmanager
def mail_server() -> Iterator[Mail]:
    """The server, which is stopped at the end."""
    mail = Mail()

    def authenticate(*args: Any) -> AuthResult:
        data = args[-1]
        known = isinstance(data, LoginPassword) and data.password == CANARY.encode()
        return AuthResult(success=known, handled=False)

    controller = Controller(
        mail,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=authenticate,
        auth_require_tls=False,
        auth_required=True,
    )
    mail.port = controller.port
    controller.start()
    try:
        yield mail
    finally:
        controller.stop()


def channel_file(folder: Path, name: str, *addresses: str) -> None:
    """Describe a channel as an operator does."""
    (folder / name).write_text("# where it goes\n" + "\n".join(addresses) + "\n", "utf-8")
