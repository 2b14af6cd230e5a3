"""A client that sends requests at a steady rate, each over a connection of its own, and counts."""

import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import httpx

PATHS = ("/health/ready", "/admin/login/", "/health/live")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: a request over HTTP would otherwise read all known certificates first."""


class Steady:
    """Requests for as long as the `with` lasts; `statuses` counts them, 0 where none was answered.

    A request that is slow holds none of the others up.
    """

    def __init__(self, url: str, per_second: float = 20.0) -> None:
        self.url, self.per_second = url, per_second
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=64)
        self._clock = threading.Thread(target=self._tick)

    def __enter__(self) -> "Steady":
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._clock.join()
        self._pool.shutdown()

    @property
    def requests(self) -> int:
        """How many were answered, or given up."""
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Those that were not answered, or with a fault of the server's."""
        return sum(n for status, n in self.statuses.items() if not 0 < status < 500)

    def _tick(self) -> None:
        began, number = time.monotonic(), 0
        while not self._over.is_set():
            self._pool.submit(self._ask, PATHS[number % len(PATHS)])
            number += 1
            self._over.wait(max(began + number / self.per_second - time.monotonic(), 0))

    def _ask(self, path: str) -> None:
        at, status, words = time.strftime("%H:%M:%S"), 0, ""
        try:
            url = f"{self.url}{path}"
            status = httpx.get(url, timeout=30, trust_env=False, verify=NO_TLS).status_code
        except httpx.HTTPError as error:
            words = repr(error)
        with self._lock:
            self.statuses[status] += 1
            if not 0 < status < 500:
                self.failures.append(f"{at} {path} {status} {words}")
