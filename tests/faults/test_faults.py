"""Parts are killed in the middle of 2,000 answers; all are scored, each once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.site import Site, site, wait_for

COUNT = 2000


def kill_the_worker(one: Site) -> None:
    wait_for(lambda: one.stands_still_with_answers_in_hand("worker"))
    one.kill("worker")
    one.start("worker")


def kill_the_inference_service(one: Site) -> None:
    one.kill("inference")
    wait_for(lambda: one.count("reason <> ''") > 0)
    one.start("inference")


def restart_the_database(one: Site) -> None:
    one.restart_postgres()


@pytest.mark.parametrize(
    "fault", [kill_the_worker, kill_the_inference_service, restart_the_database]
)
def test_every_answer_is_scored_exactly_once(
    fault: Callable[[Site], None], weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with site(tmp_path_factory.mktemp("site")) as one:
        one.fill(COUNT)
        for part in ("inference", "worker", "beat"):
            one.start(part)
        wait_for(lambda: one.count("status = 'scored'") >= 200)
        assert one.count("status = 'scored'") < COUNT
        fault(one)
        wait_for(lambda: one.count("status IN ('scored', 'failed')") == COUNT)
        assert one.count("status = 'scored'") == COUNT
        assert one.marks_per_answer() == [(1, COUNT)]
