"""Which parts are started here, and with what."""

from pathlib import Path

import pytest

from pmscoring.base.machine import most_workers
from pmscoring.embedded import plan
from pmscoring.embedded.parts import Part


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> plan.Plan:
    """Of an installation that has its databases elsewhere."""
    monkeypatch.setenv("DATABASE_URL", "postgres://u@db/one")
    monkeypatch.setenv("REDIS_URL", "redis://u@broker:1/0")
    (tmp_path / "run").mkdir()
    return plan.plan(tmp_path, tmp_path / "models", web_port=0)


def queues(part: Part) -> str:
    """What the worker takes its tasks from."""
    return part.argv[part.argv.index("-Q") + 1]


def test_backups_have_a_worker_of_their_own(planned: plan.Plan) -> None:
    serve = {part.name: queues(part) for part in planned.parts if "-Q" in part.argv}

    assert serve["ops"] == "ops"
    assert {serve[name] for name in serve.keys() - {"ops"}} == {"scoring,default"}
    assert planned.environment["ENGINE"] == "embedded"


def test_workers_to_scale_up_to_stand_by(planned: plan.Plan) -> None:
    standby = [part.name for part in planned.parts if part.standby]

    assert standby == [f"worker-{number}" for number in range(2, most_workers() + 1)]


@pytest.mark.parametrize(("cores", "most"), [(None, 2), (1, 2), (3, 3), (64, 4)])
def test_the_cores_bound_the_workers(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, most: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)

    assert most_workers() == most
