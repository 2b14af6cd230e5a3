"""What is decided about a sick replica, whatever is seen and whatever was done before."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engines.base import Health, Replica, Service, State
from opsconsole.healing.decide import (
    LOOP,
    LOST,
    MOST,
    REST,
    SHARE,
    WITHIN,
    Action,
    Decision,
    End,
    Past,
    Sickness,
    decide,
    end_of,
    is_under_way,
    pause_after,
)

NOW = datetime(2026, 6, 1, 3, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def a_replica(
    health: Health = Health.UNHEALTHY,
    state: State = State.RUNNING,
    number: int = 1,
    started: timedelta = HOUR,
    **more: object,
) -> Replica:
    """Of the service web; it started so long ago."""
    fields: dict[str, object] = {"restarts": 0} | more
    return Replica(
        id=f"id-{number}",
        name=f"web-{number}",
        service="web",
        state=state,
        health=health,
        started_at=NOW - started,
        **fields,  # type: ignore[arg-type]
    )


def decided(
    *replicas: Replica, past: Mapping[str, Past] | None = None, own: str = "", **service: bool
) -> dict[str, Decision]:
    web = Service("web", len(replicas), replicas, **service)
    return {each.replica.name: each for each in decide(web, past or {}, NOW, own)}


def sick_for(seconds: int, **more: object) -> Past:
    return Past(since=NOW - seconds * SECOND, **more)  # type: ignore[arg-type]


def test_one_look_does_not_decide_alone() -> None:
    assert decided(a_replica())["web-1"].action == Action.WAIT


def test_what_stays_unhealthy_is_restarted_at_the_second_look() -> None:
    assert decided(a_replica(), past={"web-1": sick_for(15)})["web-1"].action == Action.RESTART


@pytest.mark.parametrize(
    "replica",
    [
        a_replica(Health.HEALTHY),
        a_replica(Health.NONE),
        a_replica(Health.STARTING),
        a_replica(Health.UNKNOWN),
        a_replica(state=State.STOPPED),
        a_replica(Health.NONE, State.STOPPED, exit_code=1),
        a_replica(Health.UNHEALTHY, State.STARTING),
    ],
)
def test_what_is_well_or_stopped_or_not_known_is_left_alone(replica: Replica) -> None:
    assert decided(replica, past={"web-1": sick_for(60)}) == {}


def test_a_one_shot_is_left_alone() -> None:
    assert decided(a_replica(), past={"web-1": sick_for(60)}, one_shot=True) == {}


def test_the_second_restart_waits_longer_than_the_first() -> None:
    assert [pause_after(count).total_seconds() for count in (1, 2, 3, 4)] == [30, 60, 120, 240]
    early = sick_for(20, recent=(NOW - 300 * SECOND, NOW - 50 * SECOND))
    decision = decided(a_replica(), past={"web-1": early})["web-1"]
    assert decision.action == Action.WAIT
    assert "restarted 2 times within an hour" in decision.because
    late = sick_for(20, recent=(NOW - 300 * SECOND, NOW - 60 * SECOND))
    assert decided(a_replica(), past={"web-1": late})["web-1"].action == Action.RESTART


def test_what_restarts_do_not_help_is_given_up_once() -> None:
    recent = tuple(NOW - (50 - 10 * number) * timedelta(minutes=1) for number in range(MOST))
    past = sick_for(20, recent=recent)
    decision = decided(a_replica(), past={"web-1": past})["web-1"]
    assert decision.action == Action.GIVE_UP
    assert decision.because == "5 restarts within an hour did not help"
    told = sick_for(40, recent=recent, given_up_at=NOW - 15 * SECOND)
    assert decided(a_replica(), past={"web-1": told})["web-1"].action == Action.WAIT


def test_restarts_of_long_ago_do_not_count() -> None:
    past = sick_for(20, recent=(NOW - WITHIN - SECOND,) * MOST)
    assert decided(a_replica(), past={"web-1": past})["web-1"].action == Action.RESTART


def test_a_database_is_left_to_a_person() -> None:
    sick = Replica("id", "postgres-1", "postgres", State.RUNNING, Health.UNHEALTHY)
    past = {"postgres-1": sick_for(20)}
    (decision,) = decide(Service("postgres", 1, (sick,)), past, NOW)
    assert decision.action == Action.GIVE_UP
    assert "it may be recovering" in decision.because


def test_the_healer_does_not_restart_itself() -> None:
    decision = decided(a_replica(), past={"web-1": sick_for(20)}, own="id-1")["web-1"]
    assert (decision.action, decision.because) == (
        Action.GIVE_UP,
        "the healer itself runs in it",
    )


def test_a_crash_is_left_to_the_engine_and_a_loop_is_given_up() -> None:
    crashing = a_replica(Health.NONE, State.RESTARTING, restarts=9)
    first = decided(crashing)["web-1"]
    assert (first.sickness, first.action) == (Sickness.CRASHING, Action.WAIT)
    past = sick_for(30, sickness=Sickness.CRASHING, restarts=9 - LOOP)
    given_up = decided(crashing, past={"web-1": past})["web-1"]
    assert given_up.action == Action.GIVE_UP
    assert "restarted it 9 times" in given_up.because


def test_a_crash_is_seen_although_it_runs_again() -> None:
    runs_again = a_replica(Health.NONE, restarts=1, started=5 * SECOND)
    assert decided(runs_again)["web-1"].sickness == Sickness.CRASHING
    asked_for = a_replica(Health.NONE, restarts=0, started=5 * SECOND)
    assert decided(asked_for) == {}


def test_many_crashes_within_an_hour_are_a_loop_too() -> None:
    crashes = tuple(NOW - 10 * number * timedelta(minutes=1) for number in range(MOST))
    crashing = a_replica(Health.NONE, State.RESTARTING, restarts=1)
    past = {"web-1": Past(crashes=sorted(crashes))}
    assert decided(crashing, past=past)["web-1"].action == Action.GIVE_UP


def test_the_count_begins_anew_with_a_restart_that_was_asked_for() -> None:
    crashing = a_replica(Health.NONE, State.RESTARTING, restarts=LOOP)
    past = sick_for(30, sickness=Sickness.CRASHING, restarts=40)
    assert decided(crashing, past={"web-1": past})["web-1"].action == Action.GIVE_UP


@pytest.mark.parametrize(
    ("past", "replica", "end"),
    [
        (sick_for(20), None, End.GONE),
        (sick_for(20), a_replica(state=State.STOPPED), End.GONE),
        (sick_for(20), a_replica(), None),
        (sick_for(20), a_replica(Health.UNKNOWN), None),
        (sick_for(20), a_replica(Health.HEALTHY), End.RECOVERED),
        (sick_for(60, restarted_at=NOW - 40 * SECOND), a_replica(Health.STARTING), None),
        (
            sick_for(60, restarted_at=NOW - 40 * SECOND),
            a_replica(started=30 * SECOND),
            End.FAILED,
        ),
        (sick_for(60, restarted_at=NOW - 40 * SECOND), a_replica(), None),
        (sick_for(900, restarted_at=NOW - LOST), a_replica(), End.FAILED),
        (sick_for(60, given_up_at=NOW - 40 * SECOND), a_replica(Health.HEALTHY), None),
        (sick_for(900, given_up_at=NOW - REST), a_replica(Health.HEALTHY), End.GIVEN_UP),
        (sick_for(900, given_up_at=NOW - REST), a_replica(), None),
        (
            sick_for(60, sickness=Sickness.CRASHING),
            a_replica(Health.NONE, restarts=2, started=5 * SECOND),
            None,
        ),
        (
            sick_for(60, sickness=Sickness.CRASHING),
            a_replica(Health.NONE, restarts=2, started=70 * SECOND),
            End.RECOVERED,
        ),
    ],
)
def test_a_bout_ends(past: Past, replica: Replica | None, end: End | None) -> None:
    assert end_of(past, replica, NOW) == end


ages = st.integers(0, 4000).map(lambda seconds: NOW - seconds * SECOND)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    return Past(
        since=draw(st.none() | ages),
        sickness=draw(st.sampled_from(Sickness)),
        restarts=draw(st.integers(0, 9)),
        restarted_at=draw(st.none() | ages),
        given_up_at=draw(st.none() | ages),
        recent=sorted(draw(st.lists(ages, max_size=7))),
        crashes=sorted(draw(st.lists(ages, max_size=7))),
    )


@st.composite
def services(draw: st.DrawFn) -> tuple[Service, dict[str, Past]]:
    """Anything that an engine could say, after anything that could have happened before."""
    name = draw(st.sampled_from(["web", "worker", "postgres"]))
    replicas = tuple(
        Replica(
            id=f"id-{number}",
            name=f"{name}-{number}",
            service=name,
            state=draw(st.sampled_from(State)),
            health=draw(st.sampled_from(Health)),
            started_at=draw(st.none() | ages),
            restarts=draw(st.sampled_from([0, 0, 1, 5])),
        )
        for number in range(draw(st.integers(0, 12)))
    )
    past = {replica.name: draw(pasts()) for replica in replicas if draw(st.booleans())}
    return Service(name, len(replicas), replicas, one_shot=draw(st.integers(0, 9)) == 0), past


def restarts(service: Service, past: Mapping[str, Past]) -> Iterator[Decision]:
    return (each for each in decide(service, past, NOW) if each.action == Action.RESTART)


@given(services())
def test_only_what_runs_and_is_unhealthy_is_ever_restarted(
    case: tuple[Service, dict[str, Past]],
) -> None:
    for decision in restarts(*case):
        replica = decision.replica
        assert (replica.state, replica.health) == (State.RUNNING, Health.UNHEALTHY)
        assert replica.service != "postgres"
        assert not case[0].one_shot


@given(services())
def test_never_more_than_a_share_of_a_service_is_in_a_restart(
    case: tuple[Service, dict[str, Past]],
) -> None:
    service, past = case
    running = [each for each in service.replicas if each.state != State.STOPPED]
    under_way = [name for name, history in past.items() if is_under_way(history)]
    new = list(restarts(service, past))
    assert not new or len(new) + len(under_way) <= max(1, len(running) // SHARE)


@given(services())
def test_never_too_often_and_never_what_was_given_up(
    case: tuple[Service, dict[str, Past]],
) -> None:
    service, past = case
    for decision in restarts(service, past):
        history = past[decision.replica.name]
        recent = [time for time in history.recent if time > NOW - WITHIN]
        assert history.given_up_at is None
        assert len(recent) < MOST
        assert not recent or NOW - recent[-1] >= pause_after(len(recent))


@given(services())
def test_every_sick_replica_gets_one_decision_with_words(
    case: tuple[Service, dict[str, Past]],
) -> None:
    names = [decision.replica.name for decision in decide(*case, NOW)]
    assert len(names) == len(set(names))
    assert all(decision.because for decision in decide(*case, NOW))
