"""Events: only ever added, one at a time, and any change of what was recorded is found."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.serializers import serialize
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from opsconsole.models import BackupPlan, Caller, Event, Installation
from opsconsole.models.chain import hash_of
from tests.concurrency import run_concurrently, wait_until_blocked
from tests.opsconsole.chains import as_owner, recorded
from tests.waiting import wait_until

database = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)
quickly = hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@database
def test_it_says_who_did_what_from_where_on_which_object(default_plan: BackupPlan) -> None:
    plan = default_plan
    event = Event.objects.record("plan.changed", plan, Caller("ann", "rest", "192.0.2.7"), keep=3)
    kept = Event.objects.get()
    assert (kept.actor, kept.source, kept.address) == ("ann", "rest", "192.0.2.7")
    assert (kept.object_type, kept.object_id, kept.object_name) == (
        "backupplan",
        str(plan.pk),
        plan.name,
    )
    assert (kept.deed, kept.result, kept.details) == ("plan.changed", "ok", {"keep": 3})
    assert kept.hash == event.hash == hash_of(kept.link())


@database
@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Event.objects.record("backup.lost"),
        lambda: Event.objects.record("backup.stored", result="fine"),
        lambda: Event.objects.record("backup.stored", caller=Caller("ann", "window")),
    ],
)
def test_a_word_outside_the_vocabulary_is_refused(wrong: Callable[[], Event]) -> None:
    with pytest.raises(ValueError, match="no"):
        wrong()
    assert not Event.objects.exists()


@database
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE opsconsole_event SET actor = 'nobody'",
        "DELETE FROM opsconsole_event",
        "UPDATE opsconsole_installation SET events = 0, head = ''",
    ],
)
def test_the_database_refuses_every_change(sql: str) -> None:
    recorded(2)
    with pytest.raises(DatabaseError, match="only ever added"):
        run(sql)
    assert Event.objects.broken_at() is None


@database
def test_the_database_refuses_to_empty_the_table() -> None:
    recorded(1)
    # In the tests' own database this trigger is off: it is emptied after tests that commit.
    run("ALTER TABLE opsconsole_event ENABLE TRIGGER opsconsole_event_never_emptied")
    with pytest.raises(DatabaseError, match="only ever added"):
        run("TRUNCATE opsconsole_event")


@database
def test_a_secret_never_gets_into_an_event(settings: Settings) -> None:
    canary = "Kanarienvogel-4711"
    settings.SECRET_KEY = canary
    plan = BackupPlan(pk=1, name=f"s3://key:{canary}@bucket")
    Event.objects.record(
        "backup.failed",
        plan,
        Caller(f"token={canary}", "rest", canary),
        result="failed",
        reason=f'connection to "postgresql://ann:{canary}@db/pm" failed',
        stores=[{"name": "offsite", "says": f"AGE-SECRET-KEY-1{canary.upper()}"}],
        plain=f"it was {canary}",
    )
    assert canary.lower() not in serialize("json", Event.objects.all()).lower()
    assert Event.objects.broken_at() is None


@database
def test_an_empty_chain_is_whole() -> None:
    assert Event.objects.broken_at() is None


@database
@quickly
@given(
    details=st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_whatever_the_details_what_is_read_has_the_hash_of_what_was_written(
    details: dict[str, Any],
) -> None:
    """PostgreSQL keeps numbers as decimals, and refuses U+0000 and lone surrogates."""
    Event.objects.record("backup.stored", all=details)
    assert Event.objects.broken_at() is None


CHANGES = (
    "UPDATE opsconsole_event SET actor = actor || 'x' WHERE number = %s",
    "UPDATE opsconsole_event SET at = at + interval '1 microsecond' WHERE number = %s",
    "UPDATE opsconsole_event SET details = '{\"lines\": -1}' WHERE number = %s",
    "UPDATE opsconsole_event SET result = 'failed' WHERE number = %s",
    "UPDATE opsconsole_event SET object_name = 'x' WHERE number = %s",
    "UPDATE opsconsole_event SET hash = repeat('0', 64) WHERE number = %s",
    "UPDATE opsconsole_event SET previous = repeat('0', 64) WHERE number = %s",
    "DELETE FROM opsconsole_event WHERE number = %s",
)


@database
@quickly
@given(data=st.data(), count=st.integers(1, 6), sql=st.sampled_from(CHANGES))
def test_a_changed_or_removed_event_is_found_also_the_last_one(
    data: st.DataObject, count: int, sql: str
) -> None:
    with transaction.atomic():
        recorded(count)
        number = data.draw(st.integers(1, count))
        as_owner(sql, number)
        assert Event.objects.broken_at() == number
        assert Event.objects.broken_at(newest=count + 5) == number
        transaction.set_rollback(True)


@database
@quickly
@given(data=st.data(), count=st.integers(2, 6))
def test_a_moved_event_is_found(data: st.DataObject, count: int) -> None:
    with transaction.atomic():
        recorded(count)
        first = data.draw(st.integers(1, count - 1))
        second = data.draw(st.integers(first + 1, count))
        move = "UPDATE opsconsole_event SET number = %s WHERE number = %s"
        for to, number in ((count + 1, first), (first, second), (second, count + 1)):
            as_owner(move, to, number)
        assert Event.objects.broken_at() == first
        transaction.set_rollback(True)


@database
def test_a_changed_event_whose_own_hash_was_made_to_fit_breaks_the_next_link() -> None:
    recorded(3)
    forged = Event.objects.get(number=2)
    forged.actor = "somebody else"
    as_owner(
        "UPDATE opsconsole_event SET actor = %s, hash = %s WHERE number = 2",
        forged.actor,
        hash_of(forged.link()),
    )
    assert Event.objects.broken_at() == 3


@database
def test_an_event_that_was_never_recorded_is_found() -> None:
    last = recorded(2)[-1]
    forged = Event(number=3, at=last.at, deed="backup.stored", result="ok", previous=last.hash)
    forged.hash = hash_of(forged.link())
    forged.save(force_insert=True)
    assert Event.objects.broken_at() == 3


@database
def test_a_look_at_the_newest_believes_what_is_before_them() -> None:
    recorded(5)
    as_owner("UPDATE opsconsole_event SET actor = 'x' WHERE number = 2")
    assert Event.objects.broken_at(newest=2) is None
    assert Event.objects.broken_at(newest=4) == 2


@committed
def test_events_recorded_at_once_form_one_chain() -> None:
    outcomes = run_concurrently([lambda: recorded(5)] * 6)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert Event.objects.count() == 30
    assert Event.objects.broken_at() is None


@committed
def test_the_second_waits_for_the_first_and_links_to_it() -> None:
    Installation.objects.here()

    def first() -> Event:
        with transaction.atomic():
            event = Event.objects.record("backup.requested")
            wait_until_blocked()
            return event

    def second() -> Event:
        wait_until(installation_is_locked, 30, "the first holds the row", every=0.005)
        return Event.objects.record("backup.stored")

    one, other = run_concurrently([first, second])
    assert (one.number, other.number, other.previous) == (1, 2, one.hash)


def installation_is_locked() -> bool:
    with transaction.atomic():
        return not Installation.objects.select_for_update(skip_locked=True).exists()


@committed
def test_an_event_of_a_deed_that_is_rolled_back_leaves_no_gap() -> None:
    recorded(1)
    with transaction.atomic():
        Event.objects.record("backup.requested")
        transaction.set_rollback(True)
    recorded(1)
    assert list(Event.objects.order_by("number").values_list("number", flat=True)) == [1, 2]
    assert Event.objects.broken_at() is None


@committed
def test_a_check_while_events_are_recorded_gives_no_false_alarm() -> None:
    recorded(3)

    def check() -> list[int | None]:
        return [Event.objects.broken_at() for _ in range(20)]

    answers, written = run_concurrently([check, lambda: recorded(40)])
    assert set(answers) == {None}
    assert len(written) == 40
    assert Installation.objects.filter(events=F("pk") + 42).exists()
