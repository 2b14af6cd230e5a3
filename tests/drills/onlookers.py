"""Who looks on while a site is changed: a caller, somebody signed in, a receiver of notices."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from tests.drills import calling
from tests.drills.pace import rate_for
from tests.paths import ROOT
from tests.stack import round_trip
from tests.stack.callers import Api
from tests.stack.engine import wait_for


class Client:
    """A process that calls the site at a steady rate for as long as the `with` lasts.

    The rate is that of the machine where none is given.
    """

    def __init__(self, folder: Path, api: Api, rate: float = 0) -> None:
        self.log = folder / f"calls-{time.monotonic_ns()}.log"
        self.argv = [
            sys.executable,
            "-m",
            "tests.drills.calling",
            api.url,
            f"{rate or rate_for(api)}",
            f"{self.log}",
        ]
        self.token = api.token

    def __enter__(self) -> "Client":
        self.log.touch()
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, text=True, cwd=ROOT)
        assert self.process.stdin
        self.process.stdin.write(self.token + "\n")
        self.process.stdin.close()
        wait_for(lambda: self.answers(), 30, "the first answers come")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(60)

    def answers(self, since: int = 0) -> "Answers":
        """All of them by now, after the first so many."""
        return Answers(list(calling.answers(self.log, since)))


@dataclass(frozen=True)
class Answers:
    """What became of the requests."""

    all: list[calling.Answer]

    def __len__(self) -> int:
        return len(self.all)

    @property
    def failed(self) -> list[calling.Answer]:
        """Those that were not as they should be."""
        return [answer for answer in self.all if answer.fault]

    @property
    def p95(self) -> float:
        """In milliseconds."""
        times = sorted(answer.ms for answer in self.all)
        return times[int(0.95 * len(times))]

    def __str__(self) -> str:
        return f"{len(self)} requests, {len(self.failed)} failed, p95 {self.p95:.0f} ms"


class Operator:
    """Somebody who is signed in to the admin and looks at a page every second."""

    PATH = "/admin/opsconsole/environment/"

    def __init__(self, url: str) -> None:
        self.url, self.looks, self.failures = url, 0, list[str]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self) -> "Operator":
        self.client = self._sign_in()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        self.client.close()

    def _sign_in(self) -> httpx.Client:
        verify = not self.url.startswith("https:")
        client = httpx.Client(base_url=self.url, timeout=30, trust_env=False, verify=verify)
        client.get("/admin/login/").raise_for_status()
        name, password = round_trip.USER
        form = {"username": name, "password": password, "next": "/admin/",
                "csrfmiddlewaretoken": client.cookies["csrftoken"]}  # fmt: skip
        headers = {"Referer": f"{self.url}/admin/login/"}
        answer = client.post("/admin/login/", data=form, headers=headers)
        assert answer.status_code == 302, answer.text[:500]
        return client

    def _look_on(self) -> None:
        while not self._over.wait(1):
            try:
                status = self.client.get(self.PATH).status_code
                fault = "" if status == 200 else str(status)
            except httpx.HTTPError as error:
                fault = repr(error)
            self.looks += 1
            if fault:
                self.failures.append(fault)


@dataclass
class Receiver:
    """A service on this host to which notices are sent; reached by the engine's own address."""

    host: str
    notices: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> "Receiver":
        notices = self.notices

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                notices.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        """As a channel's file has it."""
        return f"json://{self.host}:{self.server.server_port}/"

    def wait_for(self, *words: str) -> dict[str, Any]:
        """The notice with all these words."""

        def there() -> list[dict[str, Any]]:
            texts = ((each, " ".join(map(str, each.values()))) for each in self.received())
            return [each for each, text in texts if all(word in text for word in words)]

        wait_for(there, 90, f"a notice with {words}")
        return there()[-1]

    def received(self) -> list[dict[str, Any]]:
        """All that came, the oldest first."""
        return list(self.notices)
