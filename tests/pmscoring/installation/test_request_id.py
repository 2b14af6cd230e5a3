"""One id from the request to the inference service, and no answer's text in any log on the way."""

import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.factories import EXAM, submission
from tests.installation import Installation
from tests.pmscoring.installation.test_throttling import load_exam
from tests.waiting import wait_until

MARKER = "秘密の目印ＸＹＺＺＹ"
TEXT = f"要件が途中で変わり{MARKER}のため遅れた"


@pytest.fixture(scope="module")
def loud(installation: Installation) -> Iterator[Installation]:
    """The installation telling as much as it can; without beat, whose sweep may come first."""
    installation.environment["LOG_LEVEL"] = "DEBUG"
    installation.stop("web")
    before = installation.log("worker").count("succeeded")
    for part in ("inference", "worker"):
        installation.start(part)
    installation.start("web")
    load_exam(installation, "TRACE")
    # The exam's own messages are worked off, so that none of them finds the first answer.
    wait_until(
        lambda: installation.log("worker").count("succeeded") >= before + len(EXAM["questions"])
    )
    yield installation
    for part in ("worker", "inference", "web"):
        installation.stop(part)
    installation.environment.pop("LOG_LEVEL")
    installation.start("web")


def records(installation: Installation, part: str, name: str) -> list[dict[str, Any]]:
    """What a part logged under the request id."""
    lines = [
        line for line in installation.log(part).splitlines() if f'"request_id": "{name}"' in line
    ]
    return [json.loads(line) for line in lines]


def worked(installation: Installation, name: str) -> list[str]:
    """What the worker said under the request id."""
    return [str(record["message"]) for record in records(installation, "worker", name)]


def hand_in(installation: Installation, candidate: str, name: str, text: str = TEXT) -> Any:
    body = submission(candidate, text, "TRACE")
    return installation.web.post("/api/v1/submissions", json=body, headers={"X-Request-ID": name})


def test_the_callers_id_is_in_the_log_of_every_part(loud: Installation) -> None:
    response = hand_in(loud, "c1", "trace-7f3a")
    assert response.status_code == 202
    assert response.headers["X-Request-ID"] == "trace-7f3a"
    wait_until(lambda: loud.count_of_exam("TRACE", "status = 'scored'") == 1)
    wait_until(lambda: any("score_waiting" in message for message in worked(loud, "trace-7f3a")))
    (line,) = (each for each in records(loud, "web", "trace-7f3a") if each["message"] == "request")
    assert (line["path"], line["status"], line["logger"]) == ("/api/v1/submissions", 202, "web")
    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
    of_inference = records(loud, "inference", "trace-7f3a")
    scored = [record for record in of_inference if record["message"] == "scored"]
    assert scored[0]["answers"] == 1


def test_an_id_that_could_forge_a_log_line_is_replaced(loud: Installation) -> None:
    response = loud.web.get("/api/v1/exams", headers={"X-Request-ID": 'x" evil="1'})
    assert len(response.headers["X-Request-ID"]) == 32


def test_what_stands_after_the_path_is_in_no_log(loud: Installation) -> None:
    response = loud.web.get("/api/v1/exams/NO-SUCH", params={"of": "taro-yamada"})
    assert response.status_code == 422
    wait_until(lambda: "Unprocessable Entity: /api/v1/exams/NO-SUCH" in loud.log("web"))
    assert "taro-yamada" not in loud.log("web")


def refusing_rows(installation: Installation, on: bool) -> None:
    """Make the database refuse the marker, as it would a row that breaks a rule of its own."""
    change = (
        "ADD CONSTRAINT refuse CHECK (text NOT LIKE '%目印%') NOT VALID"
        if on
        else "DROP CONSTRAINT refuse"
    )
    with psycopg.connect(installation.servers.database_url) as connection:
        connection.execute(f"ALTER TABLE scoring_answer {change}".encode())


def test_no_text_of_an_answer_is_in_any_log(loud: Installation) -> None:
    """Slow, since beat must find the answer that no message named, and inference start again."""
    web = loud.web
    loud.start("beat")
    assert hand_in(loud, "c2", "a").status_code == 202
    assert hand_in(loud, "c2", "b", TEXT + "二").status_code == 409
    assert hand_in(loud, "c3", "c", TEXT + "\0").status_code == 422
    bad = {"exam": "TRACE", "candidate": "c4", "answers": [{"question": TEXT, "text": TEXT}]}
    assert web.post("/api/v1/submissions", json=bad).status_code == 422
    assert web.post("/api/v1/submissions", content=f'{{"exam": "{TEXT}').status_code >= 400
    headers = {"Content-Type": "application/x-ndjson"}
    lines = json.dumps({**bad, "candidate": "c5"}) + "\n" + TEXT + "\n"
    assert web.post("/api/v1/submissions/bulk", content=lines, headers=headers).status_code == 202
    table = f"candidate,question,text\nc6,Q1,{TEXT}\nc6,Q9,{TEXT}\n"
    file = io.BytesIO(table.encode())
    response = web.post("/api/v1/uploads?exam=TRACE", files={"file": ("a.csv", file)})
    assert response.status_code in (201, 202), response.text
    response = web.post("/api/v1/score", json={"text": TEXT, "exam": "TRACE", "question": "Q1"})
    assert response.status_code == 200, response.text
    loud.stop("inference")
    assert hand_in(loud, "c8", "d", TEXT + "三").status_code == 202
    refusing_rows(loud, True)
    try:
        assert hand_in(loud, "c7", "refused-row").status_code == 500
        wait_until(lambda: "raised unexpected: IntegrityError" in loud.log("worker"))
    finally:
        refusing_rows(loud, False)
    wait_until(lambda: loud.count_of_exam("TRACE", "reason <> ''") > 0)
    loud.start("inference")
    wait_until(lambda: loud.count_of_exam("TRACE", "status IN ('waiting', 'scoring')") == 0)
    loud.stop("beat")
    assert records(loud, "web", "refused-row")[-1]["status"] == 500
    assert "refuse" in loud.log("web")
    logs = sorted(loud.folder.rglob("*.log"))
    assert {"web", "worker", "inference", "beat", "postgres"} <= {path.stem for path in logs}
    forms = (MARKER, json.dumps(MARKER).strip('"'), repr(MARKER.encode())[2:-1])
    for path in logs:
        text = path.read_text("utf-8", "replace")
        assert text
        for form in forms:
            assert form not in text, path.name
