"""Callers of the REST API from outside the containers."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

EXAM = "PM-2026"
NUMBERS = itertools.count(1)


def answer() -> dict[str, Any]:
    """A submission that was never handed in before."""
    n = next(NUMBERS)
    text = f"要件が{n}回変わり、合意しないまま{n}日遅れた"
    return {"exam": EXAM, "candidate": f"c{n}", "answers": [{"question": "Q1", "text": text}]}


@dataclass(frozen=True)
class Api:
    """Where the product answers, and who calls."""

    url: str
    token: str
    verify: bool = True
    """Whether the server's certificate must be one that is known."""

    def client(self) -> httpx.Client:
        """A client of its own connections."""
        headers = {"Authorization": f"Bearer {self.token}"}
        limits = httpx.Limits(max_connections=1)
        return httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=60,
            limits=limits,
            trust_env=False,
            verify=self.verify,
        )

    def signs_in(self, username: str, password: str) -> bool:
        """Whether the admin takes this name and password; not while it is away either."""
        options: dict[str, Any] = {
            "base_url": self.url,
            "timeout": 60,
            "trust_env": False,
            "verify": self.verify,
        }
        form = {"username": username, "password": password, "next": "/admin/"}
        try:
            with httpx.Client(**options) as client:
                client.get("/admin/login/").raise_for_status()
                form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
                headers = {"Referer": f"{self.url}/admin/login/"}
                answer = client.post("/admin/login/", data=form, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.status_code == 302

    def hand_in_all(self, count: int, callers: int = 4) -> None:
        """Hand in so many answers, one by one, several at a time; each must be accepted."""
        with Load(self, callers=callers, pause=0, most=count) as load:
            load.wait()
        assert load.failures == []


class Load:
    """Callers that hand in answers at a steady pace for as long as the `with` lasts.

    `again`: what was not accepted is sent again under the same key until it is, as a client that
    must lose nothing does. Without, every failure is one.
    """

    def __init__(
        self,
        api: Api,
        callers: int = 3,
        pause: float = 0.06,
        most: int = 1_000_000,
        again: bool = False,
    ) -> None:
        self.api, self.pause, self.again = api, pause, again
        self.left = itertools.count(most, -1)
        self.requests = self.accepted = 0
        self.failures: list[str] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._call) for _ in range(callers)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self.wait()

    def wait(self) -> None:
        """Until the last caller is done."""
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        with self.api.client() as client:
            while not self._over.is_set() and next(self.left) > 0:
                self._hand_in(client, answer())
                if self.pause:
                    self._read(client)
                    self._over.wait(self.pause)

    def _hand_in(self, client: httpx.Client, body: dict[str, Any]) -> None:
        headers = {"Idempotency-Key": f"key-{body['candidate']}"}
        until = time.monotonic() + 180
        while not self._asked(
            lambda: client.post("/api/v1/submissions", json=body, headers=headers), 202
        ):
            if not self.again:
                return
            assert time.monotonic() < until, "an answer was not accepted for three minutes"
            time.sleep(0.2)
        with self._lock:
            self.accepted += 1

    def _read(self, client: httpx.Client) -> None:
        self._asked(lambda: client.get(f"/api/v1/exams/{EXAM}"), 200)

    def _asked(self, call: Callable[[], httpx.Response], expected: int) -> bool:
        """Whether the call was answered as expected; if not, why is kept."""
        try:
            response = call()
            told = "" if response.status_code == expected else f"{response.status_code}"
            told += response.text[:200] if told else ""
        except httpx.HTTPError as error:
            told = repr(error)
        with self._lock:
            self.requests += 1
            if told:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {told}")
        return not told
