"""The whole product: from the bulk POST to the last mark, the intake alone, one text at once."""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import orjson
import psycopg

from tests.bench.answers import QUESTION, definition


class Product:
    """The running stack, through REST."""

    def __init__(self, token: str, url: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(
            base_url=f"{url or os.environ['PMS_URL']}/api/v1",
            headers=headers,
            timeout=600,
            trust_env=False,
        )

    def load(self, code: str) -> None:
        """Make an exam of one question."""
        self.http.put(f"/exams/{code}", json=definition(code)).raise_for_status()

    def hand_in(self, code: str, answers: Sequence[str]) -> tuple[int, float]:
        """Bulk POST; the batch, and the seconds until it was answered."""
        body = b"\n".join(lines(code, answers))
        began = time.perf_counter()
        headers = {"Content-Type": "application/x-ndjson"}
        response = self.http.post("/submissions/bulk", content=body, headers=headers)
        seconds = time.perf_counter() - began
        response.raise_for_status()
        told = response.json()
        assert told["accepted"] == len(answers)
        return told["batch"], seconds

    def seconds_to_marks(self, code: str, answers: Sequence[str]) -> float:
        """From the bulk POST until the last mark is in PostgreSQL."""
        began = time.perf_counter()
        self.hand_in(code, answers)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            while _open(connection, code):
                time.sleep(0.2)
        return time.perf_counter() - began

    def score_once(self, code: str, text: str) -> float:
        """Seconds of one POST /score."""
        body = {"exam": code, "question": QUESTION, "text": text}
        began = time.perf_counter()
        self.http.post("/score", json=body).raise_for_status()
        return time.perf_counter() - began


def lines(code: str, answers: Sequence[str]) -> Iterator[bytes]:
    """A submission a line."""
    for n, text in enumerate(answers):
        answer = {"question": QUESTION, "text": text}
        yield orjson.dumps({"exam": code, "candidate": f"c{n}", "answers": [answer]})


def _open(connection: "psycopg.Connection[Any]", code: str) -> int:
    """Whether an answer of the exam is still to be scored; the partial indexes answer it."""
    query = (
        "SELECT 1 FROM scoring_answer a JOIN scoring_question q ON q.id = a.question_id"
        " JOIN scoring_exam e ON e.id = q.exam_id"
        " WHERE e.code = %s AND a.status IN ('waiting', 'scoring') LIMIT 1"
    )
    return len(connection.execute(query, [code]).fetchall())


def copy_seconds(answers: Sequence[str]) -> float:
    """A bare COPY of the same rows, into tables of the same columns, keys and indexes."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        for table in ("submission", "answer"):
            query = f"CREATE TEMP TABLE bare_{table} (LIKE scoring_{table} INCLUDING ALL)"
            connection.execute(query.encode())
        began = time.perf_counter()
        _copy(connection, answers)
        seconds = time.perf_counter() - began
        connection.rollback()
    return seconds


def _copy(connection: "psycopg.Connection[Any]", answers: Sequence[str]) -> None:
    submissions = (
        "COPY bare_submission (id, exam_id, candidate, attempt, absent, body_hash, created_at)"
        " FROM STDIN"
    )
    rows = (
        "COPY bare_answer (id, submission_id, question_id, text, text_key, status, review,"
        " not_before, tries, reason, flags, final_source) FROM STDIN"
    )
    at = "2026-01-01 00:00:00+00"
    with connection.cursor() as cursor:
        with cursor.copy(submissions.encode()) as copy:
            for n in range(len(answers)):
                copy.write_row((n, 1, f"c{n}", 1, False, f"{n:064x}", at))
        with cursor.copy(rows.encode()) as copy:
            for n, text in enumerate(answers):
                key = f"{n:064x}"
                copy.write_row((n, n, 1, text, key, "waiting", "none", at, 0, "", "[]", ""))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
