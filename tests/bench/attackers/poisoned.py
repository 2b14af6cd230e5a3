"""How long an exam's answers take while texts that cost a minute each wait beside them.

The texts are of two kinds: those that intake takes today at most, and those of 50,000 code points
that an earlier version has stored. `python -m tests.bench.attackers.poisoned` measures them alone.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.bench.answers import QUESTION, definition, distinct
from tests.bench.report import write
from tests.installation import Installation, installed
from tests.waiting import wait_until

ANSWERS = 400
PATIENCE = 600.0  # seconds
EMOJI, LIGATURE = "👨\u200d👩\u200d👧\u200d👦", "\ufdfa"
STORED = [EMOJI * 7143, LIGATURE * 50_000, f"あ{' ' * 49_998}あ"]
KINDS: dict[str, Sequence[str]] = {
    "the longest that are taken": [EMOJI * 285, LIGATURE * 111, "要件" * 1000],
    "stored before there were limits": [text[:50_000] for text in STORED],
}
HAND_IN = """
import json, sys
from django.db import transaction
from scoring.exams import definitions
from scoring.intake import submissions
from scoring import tasks
from scoring.models import Answer
code, definition, texts, stored = json.loads({payload!r})
definitions.load(definition)
with transaction.atomic():
    outcome = submissions.accept_all(
        (n, {{"exam": code, "candidate": f"c{{n}}", "answers": [
            {{"question": {question!r}, "text": f"{{n}}" if stored else text}}]}})
        for n, text in enumerate(texts, 1)
    )
    if stored:
        answers = Answer.objects.filter(submission__exam__code=code).order_by("pk")
        for answer, text in zip(answers, texts):
            Answer.objects.filter(pk=answer.pk).update(text=text)
    tasks.nudge(outcome.questions)
assert outcome.accepted == len(texts), outcome.rejected
"""
SECONDS = (
    "SELECT extract(epoch FROM max(m.created_at) - min(s.created_at))::float FROM scoring_mark m"
    " JOIN scoring_answer a ON a.id = m.answer_id"
    " JOIN scoring_submission s ON s.id = a.submission_id"
    " JOIN scoring_exam e ON e.id = s.exam_id WHERE e.code = %s"
)


def rows(site: Installation, count: int = ANSWERS) -> Iterator[dict[str, Any]]:
    """For each kind of poisoned texts the seconds of `count` answers beside them, and without."""
    for name in ("inference", "workers", "beat"):
        site.start(name, SCORING_BATCH="1024", SCORING_STALLED_SECONDS="300")
    seconds(site, "WARM", 50)
    for number, (kind, texts) in enumerate(KINDS.items()):
        usual = seconds(site, f"USUAL-{number}", count)
        hand_in(site, f"POISON-{number}", texts, stored=True)
        beside = seconds(site, f"BESIDE-{number}", count)
        row = {
            "attack": f"3 texts: {kind}",
            "answers": count,
            "usual_seconds": round(usual, 2),
            "seconds": round(beside, 2),
            "ratio": round(beside / usual, 2),
            "poisoned": _states(site, f"POISON-{number}"),
        }
        print(row, flush=True)
        yield row


def seconds(site: Installation, code: str, count: int) -> float:
    """From the first answer handed in until the last mark; PATIENCE where that takes longer."""
    hand_in(site, code, distinct(count, seed=len(code) + ord(code[-1])))
    try:
        wait_until(lambda: not site.count_of_exam(code, "status <> 'scored'"), PATIENCE)
    except pytest.fail.Exception:
        return PATIENCE
    with psycopg.connect(site.servers.database_url) as connection:
        row = connection.execute(SECONDS.encode(), [code]).fetchone()
    assert row
    return float(row[0])


def hand_in(site: Installation, code: str, texts: Sequence[str], *, stored: bool = False) -> None:
    """Hand the texts in; `stored` puts them where they are past what intake looks at."""
    payload = json.dumps([code, definition(code), texts, stored])
    script = site.folder / "hand_in.py"
    script.write_text(HAND_IN.format(payload=payload, question=QUESTION), "utf-8")
    site.shell(f"exec(open({str(script)!r}).read())")


def _states(site: Installation, code: str) -> dict[str, int]:
    states = ("waiting", "scoring", "scored", "failed")
    return {state: site.count_of_exam(code, f"status = '{state}'") for state in states}


def main() -> None:
    """Measure alone, and write var/bench/poisoned.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=ANSWERS, help="of the other exam")
    count = parser.parse_args().answers
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder)) as site:
        print(f"written to {write('poisoned', list(rows(site, count)))}")


if __name__ == "__main__":
    main()
