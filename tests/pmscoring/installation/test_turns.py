"""A worker with a long queue still does what else waits, and ends when it is told to."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
import redis

from pmscoring.base.published_load import LOAD_KEY
from tests.installation import Installation
from tests.scoring.fake_inference import FakeInference, right
from tests.waiting import wait_until

EXAM, MANY, BATCH, SECONDS = "TURNS", 2400, 8, 0.25
"""Answers, those of a batch, and what a batch takes: 75 seconds in all."""
HAND_IN = f"""
from scoring import tasks
from scoring.exams import definitions
from scoring.intake import submissions
from tests.factories import EXAM, submission
definitions.load({{**EXAM, "code": {EXAM!r}}})
outcome = submissions.accept_all(
    (n, submission(f"c{{n}}", f"要件が{{n}}回変わった", {EXAM!r})) for n in range(1, {MANY} + 1)
)
tasks.nudge(outcome.questions)
tasks.publish_load.delay()
"""


class Slow(BaseHTTPRequestHandler):
    """An inference service that takes its time."""

    service = FakeInference(right)

    def do_POST(self) -> None:
        """Answer after SECONDS, as the service does."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SECONDS)
        answer = self.service.answer(
            httpx.Request("POST", f"http://service{self.path}", content=body)
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def slow() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def published(installation: Installation) -> dict[str, Any]:
    """The load, empty where none was published of late."""
    with redis.from_url(installation.environment["REDIS_URL"]) as client:
        return dict(json.loads(client.get(LOAD_KEY) or "{}"))


def count(installation: Installation, status: str) -> int:
    return installation.count_of_exam(EXAM, f"status = '{status}'")


def test_a_worker_with_a_long_queue_publishes_the_load_and_ends_after_its_turn(
    installation: Installation, slow: str
) -> None:
    with redis.from_url(installation.environment["REDIS_URL"]) as client:
        client.delete(LOAD_KEY)
    installation.shell(HAND_IN)
    installation.start("worker", INFERENCE_URL=slow, SCORING_BATCH=str(BATCH))

    wait_until(lambda: published(installation), 60, "the load is published")
    assert published(installation)["waiting"] > 0, "only when there was no load any more"
    wait_until(lambda: count(installation, "scoring") == BATCH, 20, "it goes on")
    began = time.monotonic()
    installation.stop("worker")

    assert time.monotonic() - began < 30, "it went on to the end of the queue"
    assert count(installation, "waiting") > 0
    assert count(installation, "scoring") == 0, "it was killed within a batch"
