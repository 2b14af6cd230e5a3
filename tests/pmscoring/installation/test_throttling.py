"""Submissions are taken without Redis, by a real installation."""

import json
import time

from tests.factories import EXAM, submission
from tests.installation import VALKEY, Installation
from tests.outages import silent_port
from tests.waiting import wait_until

TEXT = "要件が途中で変わったから"


def load_exam(installation: Installation, code: str) -> None:
    response = installation.web.put(f"/api/v1/exams/{code}", json={**EXAM, "code": code})
    assert response.status_code == 201, response.text


def hand_in(installation: Installation, exam: str, candidate: str) -> None:
    response = installation.web.post("/api/v1/submissions", json=submission(candidate, TEXT, exam))
    assert response.status_code == 202, response.text


def test_submissions_are_taken_while_redis_is_away_and_scored_when_it_is_back(
    installation: Installation,
) -> None:
    """Slow, since three parts start, and beat finds the answers ten seconds later."""
    load_exam(installation, "AWAY")
    for part in ("inference", "worker", "beat"):
        installation.start(part)
    wait_until(lambda: installation.web.get("/health").json()["status"] == "healthy")
    installation.stop_server(VALKEY)
    try:
        began = time.monotonic()
        for candidate in ("c1", "c2", "c3"):
            hand_in(installation, "AWAY", candidate)
        line = json.dumps(submission("c4", TEXT, "AWAY"))
        headers = {"Content-Type": "application/x-ndjson"}
        response = installation.web.post("/api/v1/submissions/bulk", content=line, headers=headers)
        assert response.status_code == 202, response.text
        assert time.monotonic() - began < 5
        assert installation.web.get("/api/v1/exams").status_code == 200
        assert installation.web.get("/admin/login/").status_code == 200
        # A turn that was under way may have claimed the first of them.
        assert installation.count_of_exam("AWAY", "true") == 4
    finally:
        installation.start_server(VALKEY)
    wait_until(lambda: installation.count_of_exam("AWAY", "status = 'scored'") == 4)
    for part in ("beat", "worker", "inference"):
        installation.stop(part)
    assert "nobody is throttled" in installation.log("web")
    assert "the broker is away" in installation.log("web")


def test_submissions_are_taken_while_the_broker_hangs(installation: Installation) -> None:
    """Slow, since gunicorn starts twice, and a hanging broker is waited for before it is left."""
    load_exam(installation, "HANGS")
    installation.stop("web")
    with silent_port() as port:
        installation.start("web", BROKER_URL=f"redis://127.0.0.1:{port}/0")
        began = time.monotonic()
        hand_in(installation, "HANGS", "c1")
        assert time.monotonic() - began < 10
        installation.stop("web")
    installation.start("web")
