"""Scenarios of the bench that are made of recorded samples."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from opsconsole.scaling.recorded import line_of
from opsconsole.scaling.shapes import Reading, Sample, Seen
from tests.bench.autoscale.recordings import HERE, scenarios
from tests.bench.autoscale.scenarios import WORKER

BEGIN = datetime(2026, 11, 29, 9, tzinfo=UTC)
ARRIVALS: Sequence[float | None] = (None, 0.0, 40.0, 2.0, 0.0)


def recorded(path: Path, arrivals: Sequence[float | None], rate: float = 8.0) -> Path:
    """A file of samples of two workers, 15 seconds apart, of which one has no number."""
    lines = []
    for number, value in enumerate(arrivals):
        reading = Reading(trouble="unknown") if value is None else Reading(value)
        readings = {"arrivals": reading, "rate": Reading(rate), "waiting": Reading(50.0)}
        seen = tuple(Seen(name, ready=True, age=600.0) for name in ("worker", "worker-2"))
        at = BEGIN + timedelta(seconds=15 * number)
        lines.append(line_of("production", Sample(at, "worker", 2, seen, readings)))
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_as_many_arrive_in_each_interval_as_were_counted(tmp_path: Path) -> None:
    (scenario,) = scenarios(recorded(tmp_path / "file", ARRIVALS))
    arrivals, works = scenario.drawn(seed=1)
    counts, _edges = np.histogram(arrivals, bins=[0, 15, 30, 45, 60])
    assert (scenario.name, scenario.seconds, scenario.begin) == ("recorded worker", 60.0, 2)
    assert counts.tolist() == [0, 600, 30, 0]
    assert arrivals == sorted(arrivals)
    assert arrivals != scenario.drawn(seed=2)[0]
    # Each of the two did 4 a second, as many at a time as the simulated worker has slots.
    assert np.mean(works) == pytest.approx(WORKER.slots / 4.0, rel=0.1)


def test_what_is_not_known_is_not_taken_for_quiet(tmp_path: Path) -> None:
    (scenario,) = scenarios(recorded(tmp_path / "file", [None, 9.0, None, 1.0, 2.0, 3.0]))
    assert (scenario.seconds, len(scenario.drawn(seed=1)[0])) == (45.0, 90)
    with pytest.raises(ValueError, match="arrivals"):
        scenarios(recorded(tmp_path / "file", [None, None, None]))
    with pytest.raises(ValueError, match="one replica can do"):
        scenarios(recorded(tmp_path / "file", ARRIVALS, rate=0.0))


def test_the_recording_that_is_there_is_a_scenario_and_has_numbers_alone() -> None:
    (scenario,) = scenarios(HERE)
    assert len(scenario.drawn(seed=1)[0]) > 1000
    lines = [json.loads(line) for line in HERE.read_text("utf-8").splitlines()]
    assert {line["environment"] for line in lines} == {"development"}
    known = {"wanted", "replicas", "readings", "room", "totals"}
    assert set().union(*(line["content"] for line in lines)) <= known
