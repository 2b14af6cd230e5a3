"""Turns of the autoscaler over environments on engines in memory, by beat and by command."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError
from django.utils.timezone import now
from pytest_django import Settings

from opsconsole import tasks
from opsconsole.engines.base import EngineAway, EngineError, Health
from opsconsole.environments import engine, locks, look
from opsconsole.gateways import prometheus
from opsconsole.gateways.postgres.server import PostgresError
from opsconsole.gateways.prometheus import PrometheusError
from opsconsole.models import (
    Caller,
    Deployment,
    Environment,
    Event,
    ExamWindow,
    Operation,
    ScalingDecision,
    ScalingPolicy,
    ScalingSample,
)
from opsconsole.scaling import apply, policies, sampling, turn
from opsconsole.scaling.shapes import Room
from pmscoring.base import published_load
from pmscoring.base.refusals import Busy
from tests.concurrency import run_concurrently
from tests.opsconsole.engines.fake import Died, Fake
from tests.opsconsole.gateways.answering import answering
from tests.opsconsole.scaling import factories

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")
TICK = timedelta(seconds=15)
Turns = Callable[..., ScalingDecision]


@pytest.fixture(autouse=True)
def fakes(here: Environment, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    """The engines of this installation and of another environment, by their codes."""
    made = {"production": fake, "staging": Fake()}
    monkeypatch.setitem(engine.KINDS, "compose", lambda environment: made[environment.code])
    monkeypatch.setattr(look, "_kept", {})
    monkeypatch.setattr(published_load, "read", lambda: Load.told)
    return made


class Load:
    """What scoring tells of its queue at this moment."""

    told: dict[str, Any] = {}


def publish(waiting: int | None) -> None:
    """So many answers wait; None: nothing was told of late."""
    Load.told = {} if waiting is None else {"waiting": waiting, "oldest_seconds": 1.0}


def taken(fake: Fake, waiting: int | None, *, carry_out: bool = True) -> ScalingDecision:
    """A turn 15 seconds after the one before, and the deed that follows."""
    fake.now += TICK
    publish(waiting)
    (made,) = turn.turn(caller=BEAT, at=fake.now)
    if carry_out:
        for decision in ScalingDecision.objects.to_carry_out():
            apply.carry_out(decision, fake, caller=BEAT, at=fake.now)
    made.refresh_from_db()
    return made


def of_staging() -> ScalingPolicy:
    """A policy of another environment, of web by its CPU."""
    staging = Environment.objects.create(
        code="staging", kind="staging", engine="compose", project="s", laid_out_at=now()
    )
    return ScalingPolicy.objects.create(
        environment=staging,
        service="web",
        metrics=[{"kind": "cpu", "target": 0.5, "basis": "average"}],
    )


def fails(error: Exception) -> Callable[..., Any]:
    def raises(*_arguments: object) -> Any:
        raise error

    return raises


def unless_here(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, error: Exception
) -> None:
    """Have the function fail for another environment than this installation's."""
    real = getattr(module, name)

    def raises(first: Any, *rest: object) -> Any:
        environment = getattr(first, "environment", first)
        service = getattr(first, "service", "")
        if getattr(environment, "code", "") == "staging" or service == "web":
            raise error
        return real(first, *rest)

    monkeypatch.setattr(module, name, raises)


def deeds() -> list[str]:
    return list(Event.objects.order_by("number").values_list("deed", flat=True))


def test_a_queue_takes_the_workers_up_and_down_again(policy: ScalingPolicy, fake: Fake) -> None:
    made = taken(fake, 75)
    assert (made.current, made.desired, made.action) == (1, 4, "up")
    assert len(fake.running("worker")) == 4
    made = taken(fake, 75)
    assert (made.action, made.outcome) == ("stay", "")
    assert [each.outcome for each in ScalingDecision.objects.order_by("pk")] == ["done", ""]
    for _ in range(19):
        made = taken(fake, 5)
        assert (made.desired, made.because) == (4, "down_window")
    for _ in range(3):
        made = taken(fake, 5)
    assert len(fake.running("worker")) == 1
    assert deeds() == ["scaling.done", "scaling.done"]


@pytest.mark.parametrize(("most", "each", "there"), [(3, 2**20, 3), (8, 2**30, 4)])
def test_a_policy_comes_as_close_to_the_floor_of_an_exam_window_as_it_can(
    policy: ScalingPolicy, fake: Fake, monkeypatch: pytest.MonkeyPatch, most: int, each: int,
    there: int,
) -> None:  # fmt: skip
    def room_of(*_: object) -> Room:
        others = len(fake.running("worker")) - 1
        return Room(memory_free=3 * 2**30 - others * each, memory_each=each)

    monkeypatch.setattr(sampling, "room_of", room_of)
    ScalingPolicy.objects.update(most=most)
    at = now()
    ExamWindow.objects.create(
        name="Finals", starts_at=at - TICK, ends_at=at + timedelta(hours=1), floors={"worker": 6}
    )
    for _ in range(3):
        taken(fake, 500)
    assert len(fake.running("worker")) == there
    assert "scaling.failed" not in deeds()


def test_each_turn_leaves_a_sample_and_a_decision(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    made = taken(fake, 10)
    sample = ScalingSample.objects.get()
    assert (sample.environment, sample.service, sample.at) == (here, "worker", made.at)
    assert sample.content["readings"]["waiting"] == 10
    policy.refresh_from_db()
    assert policy.decided_at == made.at
    assert made.inputs[0]["value"] == 10


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        ({"dry_run": True}, "dry_run"),
        ({"paused_until": now() + timedelta(days=1)}, "paused"),
    ],
)
def test_in_dry_run_and_while_paused_it_decides_and_does_nothing(
    policy: ScalingPolicy, fake: Fake, columns: dict[str, Any], outcome: str
) -> None:
    ScalingPolicy.objects.update(**columns)
    for _ in range(3):
        made = taken(fake, 75)
        assert (made.desired, made.outcome) == (4, outcome)
    assert "scale" not in fake.calls
    assert ScalingSample.objects.count() == 3


def test_while_a_change_is_under_way_the_turns_say_so_and_begin_no_other(
    policy: ScalingPolicy, fake: Fake
) -> None:
    taken(fake, 35, carry_out=False)
    ScalingDecision.objects.update(begun_at=fake.now)
    made = taken(fake, 75, carry_out=False)
    assert (made.desired, made.outcome) == (4, "busy")
    assert "scale" not in fake.calls


def test_a_change_whose_message_was_lost_is_decided_anew(policy: ScalingPolicy, fake: Fake) -> None:
    lost = taken(fake, 35, carry_out=False)
    made = taken(fake, 75)
    lost.refresh_from_db()
    assert (lost.outcome, made.desired) == ("late", 4)
    assert len(fake.running("worker")) == 4
    assert fake.calls.count("scale") == 1


def test_a_worker_that_is_killed_while_it_scales_leaves_nothing_stuck(
    policy: ScalingPolicy, fake: Fake
) -> None:
    fake.fail("scale", Died())
    with pytest.raises(Died):
        taken(fake, 75)
    assert ScalingDecision.objects.get().outcome == "doing"
    taken(fake, 75)
    assert len(fake.running("worker")) == 4
    taken(fake, 75)
    first, busy, last = ScalingDecision.objects.order_by("pk")
    assert (first.outcome, busy.outcome, last.outcome) == ("done", "busy", "")
    assert deeds() == ["scaling.done"]


def test_missing_data_hold_the_number_and_are_told_once(policy: ScalingPolicy, fake: Fake) -> None:
    taken(fake, 75)
    taken(fake, 75)
    begun = fake.now
    for _ in range(25):
        made = taken(fake, None)
        assert (made.desired, made.action, made.because) == (4, "hold", "missing")
    policy.refresh_from_db()
    assert policy.held_since == begun + TICK
    assert deeds() == ["scaling.done", "scaling.holds"]
    held = Event.objects.get(deed="scaling.holds")
    assert held.result == "failed"
    unknown = "waiting answers: not known, because scoring has not published its load of late."
    assert held.details["reason"] == f"{unknown} A metric is missing: stays at 4."
    taken(fake, 75)
    taken(fake, 75)
    again = ScalingPolicy.objects.get()
    assert (again.held_since, again.hold_told) == (None, False)
    assert deeds() == ["scaling.done", "scaling.holds", "scaling.goes_on"]


def test_a_hold_of_a_moment_is_not_told(policy: ScalingPolicy, fake: Fake) -> None:
    for waiting in (10, None, None, 10):
        taken(fake, waiting)
    assert deeds() == []


def test_changes_that_all_fail_are_told_once_as_a_hold_is(
    policy: ScalingPolicy, fake: Fake
) -> None:
    fake.fail("scale", *[EngineError("no space left on device")] * 25)
    taken(fake, 75)
    begun = fake.now + TICK
    for _ in range(24):
        made = taken(fake, 75)
        assert (made.action, made.outcome) == ("up", "failed")
    policy.refresh_from_db()
    assert (policy.held_since, policy.hold_told) == (begun, True)
    assert deeds() == ["scaling.failed", "scaling.holds"]
    held = Event.objects.get(deed="scaling.holds")
    assert held.details["reason"] == "no space left on device"
    for _ in range(2):
        taken(fake, 75)
    policy.refresh_from_db()
    assert (policy.held_since, policy.hold_told) == (None, False)
    assert deeds()[2:] == ["scaling.done", "scaling.goes_on"]


def test_so_are_changes_that_nobody_takes_up(policy: ScalingPolicy, fake: Fake) -> None:
    for _ in range(25):
        taken(fake, 75, carry_out=False)
    assert deeds() == ["scaling.holds"]
    assert "nobody took it up" in Event.objects.get().details["reason"]


def test_so_are_replicas_that_do_not_become_ready(policy: ScalingPolicy, fake: Fake) -> None:
    taken(fake, 75)
    sick = fake.running("worker")[1].id
    fake.sicken(sick, "cannot reach the broker")
    for _ in range(45):
        taken(fake, 75)
    assert deeds() == ["scaling.failed", "scaling.holds"]
    assert "cannot reach the broker" in Event.objects.get(deed="scaling.holds").details["reason"]
    fake.change(sick, health=Health.HEALTHY)
    taken(fake, 75)
    assert deeds()[2:] == ["scaling.goes_on"]


def test_one_change_that_failed_is_no_hold(policy: ScalingPolicy, fake: Fake) -> None:
    fake.fail("scale", EngineError("no space left on device"))
    for waiting in (75, 75, 75, 5):
        taken(fake, waiting)
    policy.refresh_from_db()
    assert policy.held_since is None


def test_an_engine_that_is_away_holds_the_last_number(policy: ScalingPolicy, fake: Fake) -> None:
    taken(fake, 75)
    taken(fake, 75)
    fake.fail("services", *[EngineAway("the engine does not answer")] * 22)
    for _ in range(22):
        made = taken(fake, 75)
        assert (made.current, made.desired, made.action) == (4, 4, "hold")
        assert made.says == "the engine does not answer"
    assert deeds() == ["scaling.done", "scaling.holds"]
    assert Event.objects.get(deed="scaling.holds").details["reason"] == "the engine does not answer"
    assert taken(fake, 75).action == "stay"
    assert deeds()[2:] == ["scaling.goes_on"]


def test_one_environment_that_is_away_keeps_no_other_from_being_decided_on(
    policy: ScalingPolicy, fakes: dict[str, Fake]
) -> None:
    of_staging()
    fakes["production"].fail("services", EngineAway("the engine does not answer"))
    publish(10)
    made = {each.policy.service: each for each in turn.turn(caller=BEAT)}
    assert made["worker"].says == "the engine does not answer"
    assert made["web"].says == ""


@pytest.mark.parametrize("broken", ["engine", "sample", "row", "environment"])
def test_one_that_fails_in_an_unforeseen_way_does_not_either(
    policy: ScalingPolicy, fakes: dict[str, Fake], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    staging = of_staging()
    if broken == "engine":
        monkeypatch.setattr(fakes["staging"], "services", fails(KeyError("Networks")))
    elif broken == "sample":
        unless_here(monkeypatch, sampling, "sample_from", KeyError("Networks"))
    elif broken == "row":
        # As a row that is there twice, or that PostgreSQL does not take: an error in a statement.
        unless_here(monkeypatch, turn, "content_of", DataError("unsupported Unicode escape"))
    else:
        unless_here(monkeypatch, turn, "_look", PostgresError("too many clients"))
    publish(10)
    for number in range(1, 4):
        turn.turn(caller=BEAT)
        assert policy.decisions.count() == number
    if broken != "environment":
        held = staging.decisions.first()
        assert held
        assert (held.action, staging.decisions.count()) == ("hold", 3)
        assert ("Networks" if broken != "row" else "Unicode") in held.says


def test_a_prometheus_that_hangs_costs_its_patience_once(
    policy: ScalingPolicy, fake: Fake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = [
        {"kind": "query", "query": f"up + {number}", "target": 1.0, "basis": "total"}
        for number in range(5)
    ]
    ScalingPolicy.objects.update(metrics=metrics)
    factories.policy("web", policy.environment, metrics=metrics)
    monkeypatch.setattr(prometheus, "SECONDS", 0.5)
    with answering(lambda _request: time.sleep(2)) as server:
        settings.PROMETHEUS_URL = server.url
        began = time.monotonic()
        made = turn.turn(caller=BEAT)
        took = time.monotonic() - began
    troubles = {seen["trouble"] for each in made for seen in each.inputs}
    assert (len(made), troubles) == (2, {"prometheus_slow:0.5"})
    assert took < 5 * prometheus.SECONDS


def test_a_trouble_that_no_row_could_keep_is_kept_without_it(
    policy: ScalingPolicy, fake: Fake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PROMETHEUS_URL = "http://prometheus"
    refusal = PrometheusError("prometheus_refuses", "\ud800\0")
    monkeypatch.setattr(prometheus, "value_of", fails(refusal))
    ScalingPolicy.objects.update(
        metrics=[{"kind": "query", "query": "up", "target": 1.0, "basis": "total"}]
    )
    made = taken(fake, 10)
    assert (made.action, made.because) == ("hold", "missing")
    assert made.inputs[0]["trouble"].startswith("prometheus_refuses:")


def test_after_a_person_has_scaled_the_policy_waits_for_its_cooldown(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    fake.scale("worker", 2)
    numbers: dict[str, Any] = {"from": 1, "to": 2}
    Event.objects.record("service.scaled", here, service="worker", **numbers)
    made = taken(fake, 75)
    assert (made.desired, made.because) == (2, "cooldown")
    fake.now += timedelta(seconds=60)
    assert taken(fake, 75).desired == 4


def test_a_number_by_hand_holds_for_its_time(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    fake.scale("worker", 3)
    until = fake.now + timedelta(hours=1)
    arguments = {"replicas": 1, "not_before": until.isoformat()}
    Operation.objects.create(environment=here, kind="scale", target="worker", arguments=arguments)
    made = taken(fake, 10)
    assert (made.desired, made.because) == (3, "by_hand")
    assert len(fake.running("worker")) == 3


def test_a_deployment_is_not_disturbed(
    here: Environment, policy: ScalingPolicy, fake: Fake
) -> None:
    Deployment.objects.create(environment=here, version="2", status="rolling", started_at=now())
    made = taken(fake, 75)
    assert (made.desired, made.action, made.because) == (1, "hold", "deploying")
    Deployment.objects.update(status="live", finished_at=fake.now)
    assert taken(fake, 75).because == "cooldown"
    assert "scale" not in fake.calls


def test_a_clock_that_is_set_back_takes_nothing_down(policy: ScalingPolicy, fake: Fake) -> None:
    taken(fake, 75)
    taken(fake, 75)
    fake.now -= timedelta(hours=1)
    for _ in range(10):
        made = taken(fake, 5)
        assert (made.desired, made.because) == (4, "down_window")


def test_two_turns_at_once_decide_once(policy: ScalingPolicy, fake: Fake) -> None:
    publish(75)
    fake.before = lambda step: publish(75)  # The turns are at it at the same time.

    def take() -> int:
        try:
            return len(turn.turn(caller=BEAT))
        except Busy:
            return 0

    made = run_concurrently([take] * 4)
    assert sorted(made)[-1] == 1
    assert ScalingDecision.objects.count() == sum(made)
    doing = ScalingDecision.objects.doing().count()
    assert doing == 1


@pytest.mark.parametrize(
    "columns",
    [
        {"metrics": [{"kind": "moon", "target": 1, "basis": "total"}]},
        {"metrics": "no list"},
        {"service": "postgres"},
        {"most": 9_000, "least": 8_000},
    ],
)
def test_a_row_that_is_no_policy_holds_and_says_why(
    policy: ScalingPolicy, fake: Fake, columns: dict[str, Any]
) -> None:
    ScalingPolicy.objects.update(**columns)
    made = taken(fake, 75)
    assert (made.action, made.current == made.desired) == ("hold", True)
    assert made.says
    assert "scale" not in fake.calls


def test_a_service_that_is_not_there_holds(policy: ScalingPolicy, fake: Fake) -> None:
    del fake.services_["worker"]
    made = taken(fake, 75)
    assert (made.action, "no service worker" in made.says) == ("hold", True)


def test_beat_has_it_decided_and_the_deed_done_by_a_task_of_its_own(
    policy: ScalingPolicy, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(tasks, "nudge", lambda task, *args: sent.append((task.name, *args)))
    publish(75)
    tasks.autoscale()
    made = ScalingDecision.objects.get()
    assert sent == [("opsconsole.tasks.carry_out_decision", made.pk)]
    assert "scale" not in fake.calls
    tasks.carry_out_decision(made.pk)
    assert len(fake.running("worker")) == 4
    tasks.carry_out_decision(made.pk)
    assert fake.calls.count("scale") == 1


def command(*options: str) -> tuple[Any, int]:
    """What the command prints, and its exit."""
    output, status = StringIO(), 0
    try:
        call_command("autoscale", "--json", *options, stdout=output)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    return json.loads(output.getvalue()), status


def test_the_command_does_a_turn_and_prints_it(policy: ScalingPolicy, fake: Fake) -> None:
    publish(75)
    (printed,), status = command("--once", "--explain")
    assert status == 0
    assert len(fake.running("worker")) == 4
    contract = {"environment", "service", "current", "desired", "action", "reason", "inputs"}
    assert contract | {"clamps"} <= set(printed)
    assert (printed["environment"], printed["service"]) == ("production", "worker")
    assert (printed["current"], printed["desired"], printed["action"]) == (1, 4, "up")
    assert printed["reason"]
    assert printed["explanation"]


def test_a_dry_run_of_the_command_leaves_no_row(policy: ScalingPolicy, fake: Fake) -> None:
    publish(75)
    (printed,), _status = command("--dry-run")
    assert (printed["desired"], printed["outcome"]) == (4, "dry_run")
    assert "scale" not in fake.calls
    assert not ScalingDecision.objects.exists()
    assert not ScalingSample.objects.exists()
    policy.refresh_from_db()
    assert policy.decided_at is None


def test_the_command_exits_with_1_where_the_engine_does_not_do_it(
    policy: ScalingPolicy, fake: Fake
) -> None:
    publish(75)
    fake.fail("scale", EngineError("no space left on device"))
    (printed,), status = command()
    assert (printed["says"], status) == ("no space left on device", 1)


def test_the_command_exits_with_75_while_another_turn_is_under_way(
    here: Environment, policy: ScalingPolicy
) -> None:
    with locks.holding(f"autoscale {here.pk}"), pytest.raises(CommandError) as failure:
        command()
    assert failure.value.returncode == 75
    assert "another turn of the autoscaler is under way: production" in str(failure.value)


def test_it_reads_well_without_json(policy: ScalingPolicy, fake: Fake) -> None:
    publish(75)
    output = StringIO()
    call_command("autoscale", "--explain", stdout=output)
    first, *explained = output.getvalue().splitlines()
    assert first.startswith("production worker: 1 → 4: ")
    assert len(explained) > 2
    ScalingPolicy.objects.all().delete()
    output = StringIO()
    call_command("autoscale", stdout=output)
    assert output.getvalue() == "there is no scaling policy\n"


def test_a_policy_that_is_removed_while_it_is_decided_on_stays_removed(
    policy: ScalingPolicy, fake: Fake
) -> None:
    ScalingPolicy.objects.update(service="web")

    def remove(call: str) -> None:
        if call == "logs":
            policies.remove(policy, caller=BEAT)

    fake.before = remove
    made = turn.turn(caller=BEAT, at=fake.now)
    assert [each.pk for each in made] == [None]
    assert not ScalingPolicy.objects.exists()
    assert not ScalingDecision.objects.exists()
