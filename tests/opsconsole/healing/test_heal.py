"""An engine in memory whose replicas fall ill: what is done, kept and told."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from opsconsole.engines.base import EngineAway, EngineError, Happening, Health, State
from opsconsole.healing import heal as healing
from opsconsole.models import (
    Caller,
    Deployment,
    Environment,
    Event,
    Heal,
    Operation,
    Restore,
)
from pmscoring.base import hold
from tests.concurrency import run_concurrently
from tests.opsconsole.engines.fake import Died, Fake

pytestmark = pytest.mark.django_db(transaction=True)
BEAT = Caller(source="beat")
LOOK = timedelta(seconds=15)
Done = list[healing.Done]


@pytest.fixture
def environment(db: None) -> Environment:
    """The running installation, on Compose."""
    return Environment.objects.create(
        code="production", kind="production", engine="compose", is_here=True, laid_out_at=now()
    )


@pytest.fixture
def fake() -> Fake:
    """Two healthy replicas of web and one of each other service, that run for an hour."""
    engine = Fake()
    engine.scale("web", 2)
    engine.now += timedelta(hours=1)
    return engine


@pytest.fixture
def look(environment: Environment, fake: Fake) -> Callable[..., Done]:
    """One look of the healer; each further one is 15 seconds later."""

    def look(times: int = 1, **options: bool) -> Done:
        done: Done = []
        for _ in range(times):
            fake.now += LOOK
            done = healing.heal(environment, fake, caller=BEAT, at=fake.now, **options)
        return done

    return look


def first(fake: Fake, service: str = "web") -> str:
    return fake.services_[service].replicas[0].id


def deeds() -> list[str]:
    return list(Event.objects.order_by("number").values_list("deed", flat=True))


def test_an_unhealthy_replica_is_restarted_at_the_second_look(
    look: Callable[..., Done], fake: Fake
) -> None:
    fake.sicken(first(fake), "GET /health: connection refused")
    assert [done.did for done in look()] == ["seen for the first time: the next look decides"]
    assert "restart" not in fake.calls
    (done,) = look()
    assert (done.environment, done.seen, done.did) == (
        "production",
        "unhealthy: GET /health: connection refused",
        "restarted",
    )
    assert fake.calls.count("restart") == 1
    (event,) = Event.objects.all()
    assert (event.deed, event.source, event.object_name) == (
        "heal.restarted",
        "beat",
        "production",
    )
    assert event.details["seen"] == "unhealthy: GET /health: connection refused"
    assert event.details["service"] == "web"
    assert look() == []
    heal = Heal.objects.get()
    assert (heal.did, heal.outcome) == ("restarted", "recovered")
    assert deeds() == ["heal.restarted", "heal.recovered"]


def test_the_engine_s_own_words_are_told(look: Callable[..., Done], fake: Fake) -> None:
    replica = first(fake)
    fake.sicken(replica, "timeout")
    fake.happened.append(Happening(fake.now, "web", replica, "out of memory"))
    fake.happened.append(Happening(fake.now, "web", "another", "died", "exit status 1"))
    look(2)
    assert Event.objects.get().details["seen"] == "unhealthy: timeout; out of memory"


def test_what_gets_well_by_itself_is_no_event(look: Callable[..., Done], fake: Fake) -> None:
    fake.sicken(first(fake))
    look()
    fake.change(first(fake), health=Health.HEALTHY)
    assert look() == []
    assert (Heal.objects.get().did, Heal.objects.get().outcome) == ("watched", "recovered")
    assert deeds() == []


def test_what_a_person_stopped_stays_stopped(look: Callable[..., Done], fake: Fake) -> None:
    fake.sicken(first(fake))
    look()
    fake.change(first(fake), state=State.STOPPED, health=Health.NONE, exit_code=137)
    look(3)
    assert "restart" not in fake.calls
    assert Heal.objects.get().outcome == "gone"


def test_what_is_stopped_just_before_the_restart_stays_stopped(
    look: Callable[..., Done], fake: Fake
) -> None:
    fake.sicken(first(fake))
    look()
    looks = 0

    def stop(step: str) -> None:
        nonlocal looks
        looks += step == "services"
        if looks == 2:  # that before the restart
            fake.change(first(fake), state=State.STOPPED, health=Health.NONE)

    fake.before = stop
    (done,) = look()
    assert done.did == "left alone: it has changed in the meantime"
    assert "restart" not in fake.calls


def test_unknown_health_and_an_engine_that_is_away_change_nothing(
    look: Callable[..., Done], fake: Fake
) -> None:
    fake.sicken(first(fake))
    look()
    fake.change(first(fake), health=Health.UNKNOWN)
    assert look(2) == []
    fake.sicken(first(fake))
    fake.fail("services", EngineAway("the engine does not answer"))
    with pytest.raises(EngineAway):
        look()
    assert "restart" not in fake.calls
    assert Heal.objects.get().ended_at is None


def test_one_replica_of_a_service_after_another(look: Callable[..., Done], fake: Fake) -> None:
    for replica in fake.services_["web"].replicas:
        fake.sicken(replica.id)
    look(2)
    assert fake.calls.count("restart") == 1
    look()
    assert fake.calls.count("restart") == 2, "when the first one was healthy"


def test_a_replica_that_stays_sick_is_given_up_and_told_once(
    look: Callable[..., Done], fake: Fake
) -> None:
    replica = first(fake, "worker")

    def never_well(step: str) -> None:
        if step == "services" and fake.calls.count("restart"):
            fake.change(replica, health=Health.UNHEALTHY, health_says="no answer")

    fake.sicken(replica)
    fake.before = never_well
    look(60)
    assert fake.calls.count("restart") == 5
    assert deeds() == ["heal.restarted"] * 5 + ["heal.given_up"]
    event = Event.objects.get(deed="heal.given_up")
    assert event.result == "failed"
    assert event.details["reason"] == "5 restarts within an hour did not help"
    assert "no answer" in event.details["seen"]


def test_a_crash_loop_is_given_up_and_neither_restarted_nor_stopped(
    look: Callable[..., Done], fake: Fake
) -> None:
    replica = first(fake)
    for count in range(4, 9):
        state = State.RESTARTING if count % 2 else State.RUNNING
        fake.change(replica, state=state, restarts=count, started_at=fake.now, exit_code=1)
        look()
    assert deeds() == ["heal.given_up"]
    assert Event.objects.get().details["seen"] == "restarted 7 times by the engine; exit status 1"
    assert "restart" not in fake.calls
    fake.change(replica, state=State.RUNNING, health=Health.HEALTHY)
    look(50)
    assert deeds() == ["heal.given_up", "heal.recovered"]


def test_a_restart_that_the_engine_refuses_is_told_with_its_words(
    look: Callable[..., Done], fake: Fake
) -> None:
    fake.sicken(first(fake))
    fake.fail("restart", EngineError("cannot restart: no space left on device"))
    (done,) = look(2)
    assert done.did == "the restart failed: cannot restart: no space left on device"
    event = Event.objects.get()
    assert (event.deed, event.result) == ("heal.failed", "failed")
    assert event.details["reason"] == "cannot restart: no space left on device"


def test_a_healer_that_is_killed_leaves_nothing_stuck(
    look: Callable[..., Done], fake: Fake
) -> None:
    fake.sicken(first(fake))
    fake.fail("restart", Died())
    with pytest.raises(Died):
        look(2)
    assert Heal.objects.get().did == "restarting"
    assert look()[0].did == "it is being restarted"
    look(42)
    assert [heal.outcome for heal in Heal.objects.order_by("at")] == ["failed", "recovered"]
    assert fake.calls.count("restart") == 2


def test_two_healers_at_once_restart_once(environment: Environment, fake: Fake) -> None:
    fake.sicken(first(fake))
    healing.heal(environment, fake, caller=BEAT, at=fake.now)

    def look() -> Done:
        return healing.heal(environment, fake, caller=BEAT, at=fake.now + LOOK)

    run_concurrently([look] * 4)
    assert fake.calls.count("restart") == 1
    assert Event.objects.count() == 1


def begun_deployment(environment: Environment) -> None:
    Deployment.objects.create(environment=environment, version="2", status="rolling")


def begun_scaling(environment: Environment) -> None:
    Operation.objects.create(environment=environment, kind="scale", status="running")


def begun_restore(environment: Environment) -> None:
    Restore.objects.create(backup_name="b", status="swapping")


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (begun_deployment, "a deployment is under way"),
        (begun_scaling, "an operation is under way"),
        (begun_restore, "a restore is under way"),
    ],
)
def test_nobody_heals_meanwhile(
    environment: Environment,
    look: Callable[..., Done],
    fake: Fake,
    begin: Callable[[Environment], None],
    words: str,
) -> None:
    fake.sicken(first(fake))
    begin(environment)
    (done,) = look(4)
    assert done.did == words
    assert "restart" not in fake.calls
    assert not Heal.objects.exists()


def test_nobody_heals_while_the_application_is_held(
    look: Callable[..., Done], fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "is_held", lambda: True)
    fake.sicken(first(fake))
    assert look(3)[0].did == "the application is held"
    assert "restart" not in fake.calls


def test_a_deployment_that_waits_for_an_approval_holds_nobody_up(
    environment: Environment, look: Callable[..., Done], fake: Fake
) -> None:
    Deployment.objects.create(environment=environment, version="2", needs_approval=True)
    fake.sicken(first(fake))
    assert look(2)[0].did == "restarted"


def test_swarm_is_left_to_itself_and_shown(
    environment: Environment, look: Callable[..., Done], fake: Fake
) -> None:
    Environment.objects.update(engine="swarm")
    environment.refresh_from_db()
    fake.sicken(first(fake))
    assert look(3)[0].did == "Swarm replaces it by itself"
    assert "restart" not in fake.calls


def test_a_dry_run_says_what_would_be_done(look: Callable[..., Done], fake: Fake) -> None:
    fake.sicken(first(fake))
    look()
    assert look(dry_run=True)[0].did == "it would be restarted"
    assert "restart" not in fake.calls
    assert Heal.objects.get().did == "watched"


def test_heals_are_kept_for_ninety_days(
    environment: Environment, look: Callable[..., Done], fake: Fake
) -> None:
    def ended(at: datetime, name: str) -> Heal:
        return Heal.objects.create(environment=environment, name=name, at=at, ended_at=at)

    ended(fake.now - timedelta(days=91), "old")
    ended(fake.now - timedelta(days=89), "new")
    look()
    assert [heal.name for heal in Heal.objects.all()] == ["new"]
