"""Scaling without Docker: a real supervisord, with workers that finish what they have begun."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import State
from opsconsole.engines.embedded import Embedded
from opsconsole.environments import engine, look
from opsconsole.models import Caller, Environment, ScalingDecision, ScalingPolicy
from opsconsole.scaling import apply, turn
from pmscoring.base import published_load
from pmscoring.embedded.parts import Part
from pmscoring.embedded.supervisor import Supervisor
from tests.local_servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")
PASSWORD = "a-password"
BATCH = """trap 'wait $!; echo finished >>{folder}/{name}; exit 0' TERM
echo begun >>{folder}/{name}
while :; do sleep 2 & wait $!; done"""
"""A worker in the middle of a batch of two seconds; told to end, it ends after the batch."""


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which three workers write what they do; one of them runs."""
    run, log, notes = (tmp_path / name for name in ("run", "log", "notes"))
    for folder in (run, log, notes):
        folder.mkdir()
    supervisor = Supervisor(run, log, free_port(), PASSWORD)
    names = ("worker", "worker-2", "worker-3")
    parts = [
        Part(name, ["sh", "-c", BATCH.format(folder=notes, name=name)], rank=1, stop_seconds=30)
        for name in names
    ]
    monkeypatch.setitem(engine.KINDS, "embedded", lambda environment: Embedded(run))
    monkeypatch.setattr(look, "_kept", {})
    try:
        supervisor.launch(parts, dict(os.environ))
        supervisor.start("worker")
        yield notes
    finally:
        supervisor.shut_down()


@pytest.fixture
def take(workers: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], ScalingDecision]:
    """A turn over a queue of so many answers, and the deed that follows."""
    monkeypatch.setattr("os.cpu_count", lambda: 3)  # As many as there are workers here.
    environment = Environment.objects.create(
        code="here", kind="development", engine="embedded", is_here=True, laid_out_at=now()
    )
    ScalingPolicy.objects.create(
        environment=environment,
        service="worker",
        dry_run=False,
        most=3,
        down_window=0,
        metrics=[{"kind": "waiting", "target": 20.0, "basis": "total"}],
    )

    def take(waiting: int) -> ScalingDecision:
        told: dict[str, Any] = {"waiting": waiting, "oldest_seconds": 1.0}
        monkeypatch.setattr(published_load, "read", lambda: told)
        (made,) = turn.turn(caller=BEAT)
        for decision in ScalingDecision.objects.to_carry_out():
            runs_on = engine.engine_of(environment)
            apply.carry_out(decision, runs_on, caller=BEAT)
        made.refresh_from_db()
        return made

    return take


def running() -> list[str]:
    runs_on = engine.engine_of(Environment.objects.get())
    (service,) = (each for each in runs_on.services() if each.name == "worker")
    return [each.name for each in service.replicas if each.state is State.RUNNING]


def test_workers_come_and_go_and_none_is_killed_in_the_middle_of_a_batch(
    workers: Path, take: Callable[[int], ScalingDecision]
) -> None:
    made = take(60)
    assert (made.current, made.desired) == (1, 3)
    assert running() == ["worker", "worker-2", "worker-3"]
    made = take(5)
    assert (made.current, made.desired) == (3, 1)
    assert running() == ["worker"]
    for name in ("worker-2", "worker-3"):
        assert (workers / name).read_text().split() == ["begun", "finished"]
    assert "finished" not in (workers / "worker").read_text()
    assert take(5).action == "stay"
    outcomes = ScalingDecision.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["done", "done", ""]
