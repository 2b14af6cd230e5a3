"""A policy that is paused: until when, by whom, why; and how it ends."""

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from opsconsole.models import Caller, Event, ScalingPolicy
from opsconsole.scaling import pausing
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Refused
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)
SATO = Caller("sato", "admin", "192.0.2.7")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def deeds() -> list[str]:
    return list(Event.objects.order_by("number").values_list("deed", flat=True))


def looked_after(policy: ScalingPolicy, at: datetime) -> None:
    policy.refresh_from_db()
    pausing.look_after(policy, at)


def test_it_says_who_paused_it_until_when_and_why(policy: ScalingPolicy) -> None:
    until = now() + HOUR
    pausing.pause(policy, until, " repairs ", caller=SATO)
    policy.refresh_from_db()
    assert policy.is_paused()
    assert (policy.paused_until, policy.paused_by, policy.paused_why) == (until, "sato", "repairs")
    event = Event.objects.get()
    assert (event.deed, event.actor, event.details["reason"]) == (
        "policy.paused",
        "sato",
        "repairs",
    )
    assert event.details["ends"] == until.isoformat()


@pytest.mark.parametrize(
    ("after", "why"), [(HOUR, " "), (timedelta(0), "x"), (-HOUR, "x"), (timedelta(days=31), "x")]
)
def test_a_pause_has_an_end_and_a_reason(policy: ScalingPolicy, after: timedelta, why: str) -> None:
    at = now()
    with pytest.raises(Refused):
        pausing.pause(policy, at + after, why, caller=SATO, at=at)
    assert deeds() == []


def test_its_end_is_announced_once_and_comes_by_itself(policy: ScalingPolicy) -> None:
    at = now()
    pausing.pause(policy, at + HOUR, "repairs", caller=SATO, at=at)
    for minutes in range(0, 70, 2):
        looked_after(policy, at + minutes * MINUTE)
    assert deeds() == ["policy.paused", "policy.pause_ends", "policy.resumed"]
    policy.refresh_from_db()
    assert policy.paused_until is None
    pausing.pause(policy, at + 3 * HOUR, "again", caller=SATO, at=at + 2 * HOUR)
    looked_after(policy, at + 3 * HOUR - MINUTE)
    assert deeds()[3:] == ["policy.paused", "policy.pause_ends"]


def test_a_short_pause_is_not_announced(policy: ScalingPolicy) -> None:
    at = now()
    pausing.pause(policy, at + 10 * MINUTE, "a moment", caller=SATO, at=at)
    looked_after(policy, at + MINUTE)
    assert deeds() == ["policy.paused"]


def test_two_turns_announce_it_once(policy: ScalingPolicy) -> None:
    at = now()
    pausing.pause(policy, at + HOUR, "repairs", caller=SATO, at=at)

    def look() -> None:
        pausing.look_after(ScalingPolicy.objects.get(pk=policy.pk), at + 55 * MINUTE)

    assert run_concurrently([look] * 4) == [None] * 4
    assert deeds() == ["policy.paused", "policy.pause_ends"]


def test_a_person_may_end_it_before(policy: ScalingPolicy) -> None:
    pausing.pause(policy, now() + HOUR, "repairs", caller=SATO)
    pausing.resume(policy, caller=SATO)
    assert not policy.is_paused()
    assert deeds() == ["policy.paused", "policy.resumed"]
    with pytest.raises(WrongState):
        pausing.resume(policy, caller=SATO)
