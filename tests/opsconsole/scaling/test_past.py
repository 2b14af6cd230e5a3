"""What a decision knows of the past, read from rows alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from opsconsole.models import (
    Deployment,
    Environment,
    Event,
    ExamWindow,
    Operation,
    Restore,
    ScalingDecision,
    ScalingPolicy,
)
from opsconsole.scaling import checks, past
from opsconsole.scaling.decide import decide
from opsconsole.scaling.shapes import (
    Basis,
    By,
    Change,
    Fallback,
    History,
    Kind,
    Metric,
    Policy,
    Reading,
    Sample,
    Seen,
)
from pmscoring.base import hold

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
TICK = 15 * SECOND
HOUR = timedelta(hours=1)
WAITING = Metric(Kind.WAITING, 20.0, Basis.TOTAL)
SHAPE = Policy("worker", 1, 4, [WAITING], down_window=300)


def history(policy: ScalingPolicy, at: datetime, shape: Policy = SHAPE, **more: bool) -> History:
    return past.history_of(ScalingPolicy.objects.get(pk=policy.pk), shape, at, **more)


def decided(policy: ScalingPolicy, at: datetime, **columns: Any) -> ScalingDecision:
    usual: dict[str, Any] = {"current": 2, "recommended": 2, "desired": 2, "action": "stay"}
    return ScalingDecision.objects.create(policy=policy, at=at, **usual | columns)


def scaled(environment: Environment, service: str, before: int, after: int) -> None:
    """By a person."""
    numbers: dict[str, Any] = {"from": before, "to": after}
    Event.objects.record("service.scaled", environment, service=service, **numbers)


def turns(policy: ScalingPolicy, begin: datetime, recommended: list[int]) -> Iterator[datetime]:
    """A decision every 15 seconds, by the clock on the wall."""
    for number, count in enumerate(recommended):
        yield decided(policy, begin + number * TICK, recommended=count).at


def test_recommendations_go_back_as_far_as_the_windows_do(policy: ScalingPolicy) -> None:
    at = now()
    *_old, last = turns(policy, at - 40 * TICK, list(range(40)))
    known = history(policy, at).recommendations
    assert known[-1] == (last, 39)
    assert known[0] == (at - 300 * SECOND, 20)
    assert [count for _at, count in known] == list(range(20, 40))


def test_they_go_back_over_the_longest_window_too(policy: ScalingPolicy) -> None:
    at = now()
    longest = replace(SHAPE, down_window=checks.LONGEST)
    ScalingDecision.objects.bulk_create(
        ScalingDecision(policy=policy, at=at - number * TICK, current=4, recommended=1, desired=4)
        for number in range(checks.LONGEST // 15 + 10, 0, -1)
    )
    seen = Sample(at, "worker", 4, [Seen(f"worker-{n}", True) for n in range(4)],
                  {"waiting": Reading(5.0)})  # fmt: skip
    assert decide(longest, seen, history(policy, at, longest), at).desired == 1


def test_only_what_was_done_counts_as_a_change(policy: ScalingPolicy) -> None:
    at = now()
    for number, outcome in enumerate(
        ("done", "short", "doing", "failed", "dry_run", "paused", "busy", "changed", "late", "")
    ):
        after = 3 + number
        decided(policy, at - TICK, action="up", current=2, desired=after, outcome=outcome)
    decided(policy, at - TICK, action="stay", outcome="")
    assert [change.after for change in history(policy, at).changes] == [3, 4, 5]


def test_changes_by_hand_are_found_in_the_events(here: Environment, policy: ScalingPolicy) -> None:
    at = now()
    decided(policy, at - TICK, action="up", current=2, desired=3, outcome="done")
    scaled(here, "worker", 3, 4)
    scaled(here, "web", 1, 9)
    other = Environment.objects.create(code="staging", kind="staging", engine="compose")
    scaled(other, "worker", 1, 9)
    own, by_hand = history(policy, now()).changes
    assert own == Change(at - TICK, 2, 3, By.POLICY)
    assert (by_hand.before, by_hand.after, by_hand.by) == (3, 4, By.PERSON)
    assert by_hand.at >= at
    assert history(policy, now() + HOUR).changes == []


def test_a_number_that_holds_for_a_time_holds_until_then(
    here: Environment, policy: ScalingPolicy
) -> None:
    at = now()
    back = {"replicas": 1, "not_before": (at + HOUR).isoformat()}
    put_back = Operation.objects.create(
        environment=here, kind="scale", target="worker", arguments=back
    )
    Operation.objects.create(environment=here, kind="restart", target="worker")
    Operation.objects.create(environment=here, kind="scale", target="web", arguments=back)
    assert history(policy, at).by_hand_until == at + HOUR
    late = at + 2 * HOUR
    assert history(policy, late).by_hand_until == late + TICK, "it is about to be put back"
    Operation.objects.filter(pk=put_back.pk).update(status="done")
    assert history(policy, late).by_hand_until is None


@pytest.mark.parametrize("status", ["waiting", "running"])
def test_a_number_that_is_being_set_holds_too(
    here: Environment, policy: ScalingPolicy, status: str
) -> None:
    Operation.objects.create(
        environment=here, kind="scale", target="worker", status=status, arguments={"replicas": 3}
    )
    at = now()
    assert history(policy, at).by_hand_until == at + TICK


@pytest.mark.parametrize("not_before", [None, 3, "", "soon", "2026-13-01T00:00:00Z"])
def test_a_row_that_lies_about_its_time_holds_for_one_turn(
    here: Environment, policy: ScalingPolicy, not_before: Any
) -> None:
    arguments = {"replicas": 3, "not_before": not_before}
    Operation.objects.create(environment=here, kind="scale", target="worker", arguments=arguments)
    at = now()
    assert history(policy, at).by_hand_until == at + TICK


def test_a_deployment_is_known_while_it_lasts_and_by_its_end(
    here: Environment, policy: ScalingPolicy
) -> None:
    at = now()
    row = Deployment.objects.create(environment=here, version="2", needs_approval=True)
    assert not history(policy, at).deploying, "it may wait for days"
    Deployment.objects.update(status="rolling", started_at=at - HOUR)
    assert history(policy, at).deploying
    Deployment.objects.filter(pk=row.pk).update(status="live", finished_at=at - 5 * SECOND)
    known = history(policy, at)
    assert (known.deploying, known.deployed_at) == (False, at - 5 * SECOND)
    Deployment.objects.update(status="cancelled", started_at=None)
    assert history(policy, at).deployed_at is None, "it had never begun"


def test_a_restore_and_a_hold_disturb_this_installation_alone(
    here: Environment, policy: ScalingPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    Restore.objects.create(backup_name="b", status="swapping")
    assert history(policy, now()).deploying
    Restore.objects.all().delete()
    monkeypatch.setattr(hold, "is_held", lambda: True)
    assert history(policy, now()).deploying
    Environment.objects.update(is_here=False)
    assert not history(policy, now()).deploying


def test_failures_are_counted_in_a_row(policy: ScalingPolicy) -> None:
    at = now()
    wants = [2, None, 2, None, None]
    for number, count in enumerate(wants):
        inputs = [{"key": "waiting", "wants": count}, {"key": "oldest", "wants": 1}]
        decided(policy, at - (len(wants) - number) * TICK, inputs=inputs)
    counted = Metric(Kind.WAITING, 20.0, Basis.TOTAL, fallback=Fallback(3, 4))
    sound = Metric(Kind.OLDEST, 60.0, Basis.AVERAGE, fallback=Fallback(3, 4))
    shape = Policy("worker", 1, 4, [counted, sound])
    assert history(policy, at, shape).failures == {"waiting": 2, "oldest": 0}
    decided(policy, at, inputs=[], action="hold")
    assert history(policy, at, shape).failures == {"waiting": 3, "oldest": 1}
    assert history(policy, at).failures == {}, "nothing asks for it"


def test_a_metric_that_was_not_asked_for_has_not_failed(policy: ScalingPolicy) -> None:
    decided(policy, now(), inputs=[{"key": "cpu", "wants": None}])
    counted = Metric(Kind.WAITING, 20.0, Basis.TOTAL, fallback=Fallback(3, 4))
    shape = Policy("worker", 1, 4, [counted])
    assert history(policy, now(), shape).failures == {"waiting": 0}


def test_a_clock_that_is_set_back_loses_no_recommendation_and_brings_back_none(
    policy: ScalingPolicy,
) -> None:
    true = now()
    list(turns(policy, true - HOUR - 3 * TICK, [9, 9, 9]))  # an hour ago by either clock
    list(turns(policy, true - 3 * TICK, [4, 5, 6]))
    back = true - HOUR  # the clock is set back by an hour, and two turns are taken
    list(turns(policy, back, [2, 3]))
    known = history(policy, back + 2 * TICK).recommendations
    assert [count for _at, count in known][-5:] == [4, 5, 6, 2, 3]
    assert 9 not in [count for at, count in known if at >= back - 300 * SECOND]
    distances = [back + 2 * TICK - at for at, _count in known][-5:]
    assert distances == [4 * TICK, 3 * TICK, 2 * TICK, 2 * TICK, TICK]


def test_nothing_of_the_past_lies_in_the_future(here: Environment, policy: ScalingPolicy) -> None:
    at = now() - HOUR
    scaled(here, "worker", 1, 2)
    Deployment.objects.create(
        environment=here, version="2", status="live", started_at=now(), finished_at=now()
    )
    known = history(policy, at)
    assert [change.at for change in known.changes] == [at]
    assert known.deployed_at == at


def test_without_a_sample_the_last_number_that_was_known_counts(policy: ScalingPolicy) -> None:
    at = now()
    assert history(policy, at, blind=True).changes == []
    decided(policy, at - HOUR, action="up", current=2, desired=4, outcome="done")
    assert history(policy, at, blind=True).changes == [Change(at, 4, 4)]
    decided(policy, at - HOUR, action="up", current=4, desired=3, outcome="dry_run")
    assert history(policy, at, blind=True).changes[-1].after == 4
    assert history(policy, at).changes == []


def test_the_exam_windows_of_the_service_are_known(policy: ScalingPolicy) -> None:
    at = now()
    ExamWindow.objects.create(
        name="Finals", starts_at=at, ends_at=at + HOUR, floors={"worker": 3, "web": 2}
    )
    (floor,) = history(policy, at).floors
    assert (floor.name, floor.replicas) == ("Finals", 3)
