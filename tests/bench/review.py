"""Marking by people with 100,000 answers stored: next and submit, settling, the queue's counts.

`python -m tests.bench.review` starts a database of its own, which keeps nothing.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection

from tests.local_servers import Servers

FILL = (
    "INSERT INTO scoring_submission (exam_id, candidate, attempt, absent, body_hash, created_at)"
    " SELECT %(exam)s, 'c' || n, 1, false, '', now() FROM generate_series(1, %(count)s) n",
    "INSERT INTO scoring_answer (submission_id, question_id, text, text_key, status, review,"
    " not_before, tries, reason, flags, final_source)"
    " SELECT id, %(first)s + id %% 2, repeat('解答の本文', 8) || id, 'k' || id, 'scored', 'none',"
    " now(), 0, '', '[]', '' FROM scoring_submission",
    "INSERT INTO scoring_mark (answer_id, source, points, criteria, flags, confidence, calibration,"
    " model, definition, text_key, comment, created_at)"
    " SELECT a.id, 'machine', 2, '[]', '[]', NULL, '', 'm', q.digest, text_key, '', now()"
    " FROM scoring_answer a JOIN scoring_question q ON q.id = question_id",
    "ANALYZE",
)


def main(count: int = 100_000, turns: int = 200) -> None:
    """Measure in a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with Servers(Path(folder)) as servers:
            os.environ |= {
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "DJANGO_SETTINGS_MODULE": "pmscoring.settings",
            }
            django.setup()
            call_command("migrate", verbosity=0)
            measure(count, turns)


def measure(count: int, turns: int) -> None:
    """Print the percentiles."""
    from scoring.marks import settlement
    from scoring.models import Answer
    from scoring.review import queue
    from scoring.review.progress import marking_progress
    from tests.factories import exam_in, make_user

    exam = exam_in("draft", readings=2)
    first = exam.questions.order_by("pk")[0].pk
    with connection.cursor() as cursor:
        for statement in FILL:
            cursor.execute(statement, {"exam": exam.pk, "count": count, "first": first})
    timed(f"settle {count:,} when the marking begins", partial(settlement.become, exam, "marking"))
    markers = [make_user(f"m{number}") for number in range(4)]
    seconds: dict[str, list[float]] = {"next": [], "submit": [], "progress": []}
    for turn in range(turns):
        marker = markers[turn % len(markers)]
        lease = timed("", partial(queue.next_answer, exam, marker), seconds["next"])
        answer = Answer.objects.select_related("question__exam__policy").get(pk=lease.answer_id)
        timed("", partial(queue.submit, answer, marker, {"points": 1}), seconds["submit"])
        timed("", partial(marking_progress, exam, marker), seconds["progress"])
    for name, found in seconds.items():
        found.sort()
        middle, most = found[len(found) // 2], found[int(len(found) * 0.95)]
        print(f"{name:10} median {middle * 1000:6.1f} ms   p95 {most * 1000:6.1f} ms")


def timed(name: str, deed: Callable[[], Any], into: list[float] | None = None) -> Any:
    """What the deed gives; its seconds are kept, or printed under its name."""
    started = time.perf_counter()
    found = deed()
    took = time.perf_counter() - started
    if into is None:
        print(f"{name}: {took:.2f} s")
    else:
        into.append(took)
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
