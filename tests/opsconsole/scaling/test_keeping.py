"""Old samples become hours, and old rows go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsconsole.models import Environment, ScalingDecision, ScalingPolicy, ScalingSample
from opsconsole.models.scaling import KEPT, KEPT_HOURLY
from opsconsole.scaling import keeping
from opsconsole.scaling.keeping import hour_of, keep
from opsconsole.scaling.recorded import content_of
from opsconsole.scaling.shapes import Reading, Sample, Seen
from tests.concurrency import run_concurrently
from tests.opsconsole.environments_made import environment as an_environment

NOW = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
TICK = timedelta(seconds=15)
LAST = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)
"""What is older than this hour is 14 days old altogether."""


@pytest.fixture
def environment(db: None) -> Environment:
    return an_environment(seen={})


def sample(at: datetime, cpu: float | None = 0.5, service: str = "web", **more: Any) -> Sample:
    replicas = (Seen("web-1", ready=True, cpu=cpu), Seen("web-2", ready=False, memory=100))
    return Sample(at, service, 2, replicas, **more)


def record(environment: Environment, *samples: Sample) -> None:
    ScalingSample.objects.bulk_create(
        ScalingSample(
            environment=environment, service=one.service, at=one.at, content=content_of(one)
        )
        for one in samples
    )


def rows() -> list[tuple[datetime, str, bool]]:
    every = ScalingSample.objects.order_by("service", "at")
    return list(every.values_list("at", "service", "hours"))


def test_an_hour_has_means_and_highest_values_of_what_was_known() -> None:
    hour = hour_of(
        [
            sample(NOW, 0.2, readings={"waiting": Reading(10.0), "latency": Reading(80.0)}),
            sample(NOW, 0.6, readings={"waiting": Reading(30.0), "latency": Reading(trouble="?")}),
            sample(NOW, None),
        ]
    )
    assert hour["samples"] == 3
    assert hour["mean"] == {
        "wanted": 2, "ready": 1, "cpu": 0.4, "memory": 100, "waiting": 20, "latency": 80,
    }  # fmt: skip
    assert hour["highest"] == {
        "wanted": 2, "ready": 1, "cpu": 0.6, "memory": 100, "waiting": 30, "latency": 80,
    }  # fmt: skip


def test_whole_hours_of_14_days_ago_become_a_row_each(environment: Environment) -> None:
    for hours in (3, 1):
        start = LAST - timedelta(hours=hours)
        record(environment, *(sample(start + TICK * n) for n in range(240)))
        record(environment, sample(start, service="worker"))
    record(environment, sample(LAST), sample(NOW))
    keep(NOW)
    three, one = LAST - timedelta(hours=3), LAST - timedelta(hours=1)
    assert rows() == [
        (three, "web", True),
        (one, "web", True),
        (LAST, "web", False),
        (NOW, "web", False),
        (three, "worker", True),
        (one, "worker", True),
    ]
    first = ScalingSample.objects.filter(hours=True, service="web").earliest("at")
    assert first.content["samples"] == 240
    keep(NOW)
    assert len(rows()) == 6


def test_what_cannot_be_read_keeps_nothing_from_being_summed_up_and_removed(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    start = LAST - timedelta(hours=1)
    later = {"wanted": 2, "replicas": [{"name": "web-1", "ready": True, "network": 1}], "gpu": {}}
    for content in (later, {}, {"wanted": 2, "replicas": [{"name": "web-1"}]}):
        ScalingSample.objects.create(
            environment=environment, service="web", at=start, content=content
        )
    keep(NOW)
    assert rows() == [(start, "web", True)]
    assert ScalingSample.objects.get().content["samples"] == 1
    assert "2 samples cannot be read" in caplog.text


def test_one_service_that_fails_keeps_no_other_nor_decisions(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = LAST - timedelta(hours=1)
    record(environment, sample(start), sample(start, service="worker"))
    policy = ScalingPolicy.objects.create(environment=environment, service="web")
    ScalingDecision.objects.create(
        policy=policy, at=start, current=1, recommended=1, desired=1, action="stay"
    )

    def fails_for_web(samples: list[Sample]) -> dict[str, Any]:
        if samples[0].service == "web":
            raise KeyError("unforeseen")
        return hour_of(samples)

    monkeypatch.setattr(keeping, "hour_of", fails_for_web)
    keep(NOW)
    assert rows() == [(start, "web", False), (start, "worker", True)]
    assert not ScalingDecision.objects.exists()


def test_hours_go_after_400_days(environment: Environment) -> None:
    old = NOW - KEPT_HOURLY
    for at in (old - timedelta(hours=1), old + timedelta(hours=1)):
        ScalingSample.objects.create(environment=environment, service="web", at=at, hours=True)
    keep(NOW)
    assert rows() == [(old + timedelta(hours=1), "web", True)]


def test_decisions_that_changed_nothing_go_first(environment: Environment) -> None:
    policy = ScalingPolicy.objects.create(environment=environment, service="web")
    for age in (timedelta(days=1), KEPT + timedelta(days=1), KEPT_HOURLY + timedelta(days=1)):
        for action in ("up", "down", "stay", "hold"):
            ScalingDecision.objects.create(
                policy=policy, at=NOW - age, current=1, recommended=1, desired=1, action=action
            )
    keep(NOW)
    kept = ScalingDecision.objects.order_by("-at", "action").values_list("at", "action")
    yesterday, earlier = NOW - timedelta(days=1), NOW - KEPT - timedelta(days=1)
    assert list(kept) == [
        *((yesterday, action) for action in ("down", "hold", "stay", "up")),
        *((earlier, action) for action in ("down", "up")),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_row_of_an_hour(environment: Environment) -> None:
    start = LAST - timedelta(hours=2)
    record(environment, *(sample(start + TICK * n) for n in range(240)))
    assert run_concurrently([lambda: keep(NOW)] * 2) == [None, None]
    assert rows() == [(start, "web", True)]
