"""A small HTTP server that answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Answering:
    """`answer` may be changed; `asked` has the first line and the body of each request."""

    url: str
    answer: Answer
    asked: list[tuple[str, str]] = field(default_factory=list)


def text(body: str, status: int = 200) -> Answer:
    """Answer with this text."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body.encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def document(body: object, status: int = 200) -> Answer:
    """Answer with this as JSON."""
    return text(json.dumps(body), status)


@contextmanager
def answering(answer: Answer) -> Iterator[Answering]:
    """The server, for as long as the `with` lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            server.asked.append((self.requestline, self.rfile.read(length).decode()))
            server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server = Answering(f"http://127.0.0.1:{listening.server_address[1]}", answer)
        threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            listening.shutdown()
