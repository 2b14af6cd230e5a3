"""Parts are killed in the middle of 2,000 answers; all are scored, each once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installation import Installation, installed
from tests.waiting import wait_until

COUNT = 2000
HAND_IN = f"""
import json
from pathlib import Path
from scoring.exams import definitions
from scoring.intake import submissions
path = Path("pmscoring/contract/examples/exam.json")
definitions.load(json.loads(path.read_text("utf-8"))["valid"][0]["value"])
submissions.accept_all(
    (n, {{"exam": "PM-2026", "candidate": f"c{{n}}", "answers": [
        {{"question": "Q1", "text": f"要件が{{n}}回変わり、合意しないまま{{n}}日遅れた"}}]}})
    for n in range(1, {COUNT} + 1)
)
"""


def kill_the_worker(installation: Installation) -> None:
    wait_until(lambda: installation.pause_within_a_batch("worker"))
    installation.kill("worker")
    installation.start("worker")


def kill_the_inference_service(installation: Installation) -> None:
    installation.kill("inference")
    wait_until(lambda: installation.count("reason <> ''") > 0)
    installation.start("inference")


def restart_the_database(installation: Installation) -> None:
    installation.restart_postgres()


@pytest.mark.parametrize(
    "fault", [kill_the_worker, kill_the_inference_service, restart_the_database]
)
def test_every_answer_is_scored_exactly_once(
    fault: Callable[[Installation], None],
    weights: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with installed(tmp_path_factory.mktemp("installation"), durable=True) as installation:
        installation.shell(HAND_IN)
        for part in ("inference", "worker", "beat"):
            installation.start(part)
        wait_until(lambda: installation.count("status = 'scored'") >= 200)
        assert installation.count("status = 'scored'") < COUNT
        fault(installation)
        wait_until(lambda: installation.count("status IN ('scored', 'failed')") == COUNT)
        assert installation.count("status = 'scored'") == COUNT
        assert installation.marks_per_answer() == [(1, COUNT)]
