"""`manage.py autoscale` over recorded samples."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from opsconsole.models import ScalingDecision, ScalingPolicy, ScalingSample
from opsconsole.scaling.recorded import content_of
from opsconsole.scaling.shapes import Reading, Sample, Seen
from tests.opsconsole.environments_made import environment

pytestmark = pytest.mark.django_db
TICK = timedelta(seconds=15)
BEGIN = now().replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture
def policy(db: None) -> ScalingPolicy:
    return ScalingPolicy.objects.create(
        environment=environment(),
        service="worker",
        metrics=[{"kind": "waiting", "target": 20.0, "basis": "total"}],
    )


def seen(at: datetime, waiting: float) -> dict[str, Any]:
    """One worker, and so many answers that wait."""
    one = (Seen("worker-1", ready=True, age=3600.0),)
    return content_of(Sample(at, "worker", 1, one, {"waiting": Reading(waiting)}))


@pytest.fixture
def samples(policy: ScalingPolicy) -> None:
    """Five minutes of a quiet queue, and five of one that wants four workers."""
    for number in range(40):
        at, waiting = BEGIN + number * TICK, 5.0 if number < 20 else 75.0
        ScalingSample.objects.create(
            environment=policy.environment, service="worker", at=at, content=seen(at, waiting)
        )


def printed(*options: str) -> Any:
    output = StringIO()
    call_command("autoscale", "--json", *options, stdout=output)
    return json.loads(output.getvalue())


def test_it_says_what_the_policy_would_have_done(samples: None) -> None:
    end = BEGIN + 40 * TICK
    (done,) = printed("--from", BEGIN.isoformat(), "--to", end.isoformat())
    assert (done["environment"], done["service"], done["samples"]) == ("production", "worker", 40)
    assert [(each["current"], each["desired"]) for each in done["decisions"]] == [(1, 4)]
    assert done["decisions"][0]["reason"]
    assert {"served", "late", "idle_hours"} <= set(done["replayed"])
    assert done["replayed"]["replica_hours"] > done["recorded"]["replica_hours"]
    assert not ScalingDecision.objects.exists()


def test_samples_outside_the_interval_do_not_count(samples: None) -> None:
    end = BEGIN + 20 * TICK
    (done,) = printed("--from", BEGIN.isoformat(), "--to", end.isoformat(), "--explain")
    assert done["samples"] == 20
    assert [each["action"] for each in done["decisions"]] == ["stay"] * 20


def test_it_exports_samples_and_says_the_same_of_the_file(samples: None, tmp_path: Path) -> None:
    file, end = tmp_path / "samples.jsonl", BEGIN + 30 * TICK
    times = ("--from", BEGIN.isoformat(), "--to", end.isoformat())
    (exported,) = printed(*times, "--export", str(file))
    assert exported.pop("first") == BEGIN.isoformat().replace("+00:00", "Z")
    assert exported.pop("last") == (end - TICK).isoformat().replace("+00:00", "Z")
    assert exported == {"environment": "production", "service": "worker", "samples": 30}
    assert len(file.read_text().splitlines()) == 30
    assert printed("--replay", str(file)) == printed(*times)


def test_it_reads_a_file_that_is_written_by_hand(policy: ScalingPolicy, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    lines = [
        {"environment": "production", "service": "worker", "at": at.isoformat(),
         "content": {"wanted": 1, "replicas": [{"name": "worker-1", "ready": True}],
                     "readings": {"waiting": 75}}}
        for at in (BEGIN, BEGIN + TICK)
    ]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, lines)))
    (done,) = printed("--replay", str(file))
    assert (done["samples"], len(done["decisions"])) == (2, 1)


def test_an_export_without_times_or_a_place_is_wrong_usage(samples: None, tmp_path: Path) -> None:
    times = ("--from", BEGIN.isoformat(), "--to", now().isoformat())
    for options in (("--export", "x"), (*times, "--export", str(tmp_path / "nowhere" / "x"))):
        with pytest.raises(CommandError) as error:
            printed(*options)
        assert error.value.returncode == 2


OF_THE_MOON = {"environment": "moon", "service": "worker", "at": "2026-11-29T09:00:00+09:00"}
LOCAL = {"environment": "production", "service": "worker", "at": "2026-11-29T09:00:00"}


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "{}",
        "[]",
        json.dumps(OF_THE_MOON),
        json.dumps({**OF_THE_MOON, "content": {"wanted": 1}}),
        json.dumps({**LOCAL, "content": {"wanted": 1}}),
    ],
)
def test_a_file_without_samples_is_refused(
    policy: ScalingPolicy, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text(text)
    with pytest.raises(CommandError, match="no sample"):
        printed("--replay", str(file))
    with pytest.raises(CommandError, match="No such file"):
        printed("--replay", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "options", [("--from", "2026-11-29"), ("--from", "soon", "--to", "later"), ("--to", "x")]
)
def test_wrong_times_are_wrong_usage(policy: ScalingPolicy, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as error:
        printed(*options)
    assert error.value.returncode == 2


def test_it_reads_well_without_json(samples: None) -> None:
    output, end = StringIO(), BEGIN + 40 * TICK
    times = ("--from", BEGIN.isoformat(), "--to", end.isoformat())
    call_command("autoscale", *times, stdout=output)
    text = output.getvalue()
    assert "production worker: 40 samples" in text
    assert "replayed: replica_hours" in text
    assert "1 → 4" in text
    later = ("--from", end.isoformat(), "--to", (end + TICK).isoformat())
    output = StringIO()
    call_command("autoscale", *later, stdout=output)
    assert output.getvalue() == "there is no sample\n"
