"""Carrying out decisions on an engine in memory, whatever happens meanwhile."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import EngineAway, EngineError, Health
from opsconsole.environments import one_at_a_time, operate
from opsconsole.models import (
    Caller,
    Deployment,
    Environment,
    Event,
    ExamWindow,
    Operation,
    ScalingDecision,
    ScalingPolicy,
)
from opsconsole.scaling import apply, outcomes
from pmscoring.base.refusals import Busy
from tests.concurrency import run_concurrently
from tests.opsconsole.engines.fake import Died, Fake

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")
SECOND = timedelta(seconds=1)


def decided(
    policy: ScalingPolicy, before: int, after: int, at: datetime | None = None, **columns: Any
) -> ScalingDecision:
    return ScalingDecision.objects.create(
        policy=policy,
        at=at or now(),
        current=before,
        recommended=after,
        desired=after,
        action="up" if after > before else "down",
        outcome="doing",
        **columns,
    )


def carried_out(decision: ScalingDecision, fake: Fake) -> str:
    apply.carry_out(ScalingDecision.objects.get(pk=decision.pk), fake, caller=BEAT)
    decision.refresh_from_db()
    return decision.outcome


def looked_after(policy: ScalingPolicy, fake: Fake, at: datetime | None = None) -> bool:
    """A later turn's look at what came of changes; whether one is still under way."""
    (service,) = (each for each in fake.services() if each.name == policy.service)
    return outcomes.look_after(policy, service, at or now(), caller=BEAT)


def a_window(**floors: int) -> ExamWindow:
    at = now()
    return ExamWindow.objects.create(
        name="Finals", starts_at=at - SECOND, ends_at=at + timedelta(hours=1), floors=floors
    )


def deeds() -> list[str]:
    return list(Event.objects.order_by("number").values_list("deed", flat=True))


def test_as_many_run_as_were_decided_and_the_row_says_what_came(
    policy: ScalingPolicy, fake: Fake
) -> None:
    decision = decided(policy, 1, 3)
    assert carried_out(decision, fake) == "doing", "nobody has seen yet that they are ready"
    assert len(fake.running("worker")) == 3
    assert decision.begun_at
    assert decision.acted_at
    assert not looked_after(policy, fake)
    decision.refresh_from_db()
    assert (decision.outcome, decision.came) == ("done", 3)
    event = Event.objects.get()
    assert (event.deed, event.source, event.object_name) == (
        "scaling.done", "beat", "production worker"
    )  # fmt: skip
    assert (event.details["from"], event.details["to"]) == (1, 3)


def test_the_way_down_is_noted_too(policy: ScalingPolicy, fake: Fake) -> None:
    fake.scale("worker", 4)
    decision = decided(policy, 4, 1)
    carried_out(decision, fake)
    looked_after(policy, fake)
    decision.refresh_from_db()
    assert (decision.outcome, decision.came, len(fake.running("worker"))) == ("done", 1, 1)


def test_what_does_not_become_ready_is_told_with_the_engine_s_words(
    policy: ScalingPolicy, fake: Fake
) -> None:
    decision = decided(policy, 1, 2)
    carried_out(decision, fake)
    sick = fake.running("worker")[1].id
    fake.change(sick, health=Health.STARTING)
    assert not looked_after(policy, fake)
    decision.refresh_from_db()
    assert decision.outcome == "doing", "it may still be starting"
    fake.sicken(sick, "cannot reach the broker")
    looked_after(policy, fake, now() + outcomes.PATIENCE + SECOND)
    decision.refresh_from_db()
    assert (decision.outcome, decision.came) == ("short", 1)
    assert "cannot reach the broker" in decision.says
    event = Event.objects.get()
    assert (event.deed, event.result) == ("scaling.failed", "failed")
    assert "cannot reach the broker" in event.details["reason"]


def test_patience_is_measured_by_the_start_up_time(policy: ScalingPolicy) -> None:
    assert outcomes.patience_with(policy) == outcomes.PATIENCE
    policy.startup_seconds = 10.0
    assert outcomes.patience_with(policy) == outcomes.LEAST_PATIENCE
    policy.startup_seconds = 100.0
    assert outcomes.patience_with(policy) == timedelta(seconds=300)


def test_what_the_engine_refuses_is_told_once_though_it_is_tried_again(
    policy: ScalingPolicy, fake: Fake
) -> None:
    for _ in range(3):
        fake.fail("scale", EngineError("no space left on device"))
        decision = decided(policy, 1, 2)
        assert carried_out(decision, fake) == "failed"
        assert decision.says == "no space left on device"
    assert deeds() == ["scaling.failed"]
    fake.fail("scale", EngineError("port is already allocated"))
    carried_out(decided(policy, 1, 2), fake)
    assert deeds() == ["scaling.failed"] * 2


def test_an_engine_that_is_away_just_then_fails_the_change(
    policy: ScalingPolicy, fake: Fake
) -> None:
    fake.fail("services", EngineAway("the engine does not answer"))
    decision = decided(policy, 1, 2)
    assert carried_out(decision, fake) == "failed"
    assert "scale" not in fake.calls


def test_a_person_who_scales_between_the_look_and_the_deed_is_not_overruled(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    decision = decided(policy, 1, 3)
    fake.scale("worker", 4)
    assert carried_out(decision, fake) == "changed"
    assert len(fake.running("worker")) == 4
    assert deeds() == []


def test_a_person_who_scales_afterwards_has_overtaken_it(policy: ScalingPolicy, fake: Fake) -> None:
    decision = decided(policy, 1, 3)
    carried_out(decision, fake)
    fake.scale("worker", 2)
    looked_after(policy, fake)
    decision.refresh_from_db()
    assert (decision.outcome, decision.came) == ("changed", 2)


def test_a_deployment_that_has_begun_meanwhile_is_not_disturbed(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    decision = decided(policy, 1, 3)
    Deployment.objects.create(environment=here, version="2", status="preparing")
    assert carried_out(decision, fake) == "busy"
    assert "scale" not in fake.calls


def test_two_workers_with_one_message_do_it_once(policy: ScalingPolicy, fake: Fake) -> None:
    decision = decided(policy, 1, 3)

    def carry_out() -> None:
        row = ScalingDecision.objects.get(pk=decision.pk)
        apply.carry_out(row, fake, caller=BEAT)

    assert run_concurrently([carry_out] * 4) == [None] * 4
    assert fake.calls.count("scale") == 1


def test_what_nobody_took_up_in_time_is_decided_anew(policy: ScalingPolicy, fake: Fake) -> None:
    decision = decided(policy, 1, 3)
    assert not looked_after(policy, fake)
    decision.refresh_from_db()
    assert decision.outcome == "late"
    assert carried_out(decision, fake) == "late", "the message comes after all"
    old = decided(policy, 1, 3, at=now() - timedelta(minutes=2))
    assert carried_out(old, fake) == "late"
    assert "scale" not in fake.calls


def test_a_change_whose_worker_was_killed_is_carried_out_whole(
    policy: ScalingPolicy, fake: Fake
) -> None:
    decision = decided(policy, 1, 3)
    fake.fail("scale", Died())
    with pytest.raises(Died):
        carried_out(decision, fake)
    decision.refresh_from_db()
    assert decision.begun_at
    assert decision.acted_at is None
    assert looked_after(policy, fake), "no other change may begin"
    first = decision.begun_at
    assert carried_out(decision, fake) == "doing"
    assert len(fake.running("worker")) == 3
    assert decision.begun_at == first
    assert not looked_after(policy, fake)
    assert deeds() == ["scaling.done"]


def test_a_change_that_kills_its_workers_is_given_up(policy: ScalingPolicy, fake: Fake) -> None:
    begun = now() - outcomes.GIVEN_UP - SECOND
    decision = decided(policy, 1, 3, at=begun, begun_at=begun)
    assert not looked_after(policy, fake)
    decision.refresh_from_db()
    assert (decision.outcome, decision.says) == ("failed", "it was broken off")
    assert deeds() == ["scaling.failed"]


def test_a_pause_or_a_dry_run_that_came_meanwhile_holds(policy: ScalingPolicy, fake: Fake) -> None:
    decision = decided(policy, 1, 3)
    ScalingPolicy.objects.update(paused_until=now() + timedelta(hours=1))
    assert carried_out(decision, fake) == "paused"
    ScalingPolicy.objects.update(paused_until=None, dry_run=True)
    assert carried_out(decided(policy, 1, 3), fake) == "dry_run"
    assert "scale" not in fake.calls


def test_nobody_scales_a_service_whose_replicas_drain(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    with one_at_a_time.scaling(here, "worker"):
        with (
            pytest.raises(Busy, match="worker is being scaled"),
            one_at_a_time.scaling(here, "worker"),
        ):
            pytest.fail("nobody else may")
        decision = decided(policy, 1, 3)
        assert carried_out(decision, fake) == "doing"
        assert "scale" not in fake.calls
        with one_at_a_time.scaling(here, "web"):
            assert one_at_a_time.is_scaled(here, "worker")
    assert not one_at_a_time.is_scaled(here, "worker")


def test_a_person_waits_for_a_drain_too(
    here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsconsole.environments import engine

    monkeypatch.setitem(engine.KINDS, "compose", lambda environment: fake)
    with (
        one_at_a_time.scaling(here, "web"),
        pytest.raises(Busy, match="replicas that go may still drain"),
    ):
        operate.at_once(lambda: operate.scale(here, "web", 3, caller=BEAT))
    asked = Operation.objects.get()
    assert asked.status == "failed"
    assert "replicas that go may still drain" in asked.reason


@pytest.mark.parametrize(
    ("service", "replicas"),
    [("worker", 0), ("worker", 21), ("web", 30_000), ("inference", 9), ("postgres", 2),
     ("ops", 2), ("beat", 1), ("moon", 2), ("../x", 2)],
)  # fmt: skip
def test_a_row_that_lies_scales_nothing_beyond_the_bounds(
    policy: ScalingPolicy, fake: Fake, service: str, replicas: int
) -> None:
    ScalingPolicy.objects.update(service=service, most=32_000)
    decision = decided(policy, 1, replicas)
    assert carried_out(decision, fake) == "failed"
    assert "scale" not in fake.calls


def test_a_row_that_lies_does_not_go_below_an_exam_window(
    policy: ScalingPolicy, fake: Fake
) -> None:
    a_window(worker=3)
    fake.scale("worker", 4)
    decision = decided(policy, 4, 1)
    assert carried_out(decision, fake) == "failed"
    assert "at least 3" in decision.says
    assert len(fake.running("worker")) == 4


@pytest.mark.parametrize(("before", "after"), [(1, 3), (6, 3)])
def test_the_policy_s_most_goes_before_the_floor_of_an_exam_window(
    policy: ScalingPolicy, fake: Fake, before: int, after: int
) -> None:
    ScalingPolicy.objects.update(most=3)
    a_window(worker=5)
    fake.scale("worker", before)
    assert carried_out(decided(policy, before, after), fake) == "doing"
    assert len(fake.running("worker")) == after


def test_a_part_of_the_way_up_to_a_floor_is_gone(policy: ScalingPolicy, fake: Fake) -> None:
    ScalingPolicy.objects.update(most=8)
    a_window(worker=6)
    assert carried_out(decided(policy, 1, 4), fake) == "doing", "there is memory for four"
    assert len(fake.running("worker")) == 4


def test_no_environment_that_is_gone_is_scaled(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    Environment.objects.update(removed_at=now())
    decision = decided(policy, 1, 3)
    assert carried_out(decision, fake) == "failed"
    assert "scale" not in fake.calls
