"""What is done about each sick replica, decided from what is seen and what was done before. Pure.

Numbers, and why: the check of a service has failed several times before the engine calls a replica
unhealthy, so PATIENCE only keeps one look from deciding alone. With a look every 15 s a replica is
restarted 15 to 30 s after it became unhealthy, and within 60 s if a look is lost.

A replica that crashes is not restarted and not stopped: the engine restarts it, at most once a
minute, and so it comes back by itself when what it lacks is there again. Somebody is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from opsconsole.engines.base import Health, Replica, Service, State

PATIENCE = timedelta(seconds=10)
"""How long a replica must have been seen unhealthy before it is restarted."""
FIRST_PAUSE = timedelta(seconds=30)
"""After the first restart; it doubles with each further one within WITHIN."""
MOST = 5
"""Restarts, or crashes, within WITHIN; then the replica is given up."""
WITHIN = timedelta(hours=1)
LOOP = 3
"""Restarts by the engine in one bout of crashing; then it is a loop."""
STEADY = timedelta(seconds=60)
"""A replica that the engine restarted is well when it has run for so long."""
REST = timedelta(minutes=10)
"""A replica that was given up is left alone for at least so long, however well it seems."""
LOST = timedelta(minutes=10)
"""After this a restart of which nothing is seen has come to nothing."""
SHARE = 4
"""One replica in so many is restarted at a time, and at least one."""
FOR_PEOPLE = frozenset({"postgres"})
"""Not restarted: a database that replays its log answers nobody, and would begin anew."""


class Sickness(StrEnum):
    """What is wrong with a replica."""

    UNHEALTHY = "unhealthy"
    CRASHING = "crashing"


class Action(StrEnum):
    """What is done now."""

    WAIT = "wait"
    RESTART = "restart"
    GIVE_UP = "give up"


class End(StrEnum):
    """How the bout of a sickness ended."""

    RECOVERED = "recovered"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    GONE = "gone"


@dataclass(frozen=True)
class Past:
    """What is known of a replica from earlier looks.

    `since` is when its open bout was first seen, None where there is none; `restarts` the engine's
    count at that look. `restarted_at` and `given_up_at` are of the open bout. `recent` are the
    times of our restarts, and `crashes` those of earlier bouts of crashing, the oldest first.
    """

    since: datetime | None = None
    sickness: Sickness = Sickness.UNHEALTHY
    restarts: int = 0
    restarted_at: datetime | None = None
    given_up_at: datetime | None = None
    recent: Sequence[datetime] = ()
    crashes: Sequence[datetime] = ()


NOTHING = Past()


@dataclass(frozen=True)
class Decision:
    """What is done about a sick replica, and why."""

    replica: Replica
    sickness: Sickness
    action: Action
    because: str


def sickness_of(replica: Replica, at: datetime) -> Sickness | None:
    """What is wrong with what runs; what is stopped or not known is not sick."""
    if replica.state == State.RESTARTING or _restarted_by_engine(replica, at):
        return Sickness.CRASHING
    if replica.state == State.RUNNING and replica.health == Health.UNHEALTHY:
        return Sickness.UNHEALTHY
    return None


def _restarted_by_engine(replica: Replica, at: datetime) -> bool:
    """A moment ago; a restart that a person asks for sets the engine's count back to 0."""
    runs = replica.state in (State.RUNNING, State.STARTING)
    new = replica.started_at is not None and replica.started_at > at - STEADY
    return runs and new and replica.restarts > 0


def is_well(replica: Replica, at: datetime) -> bool:
    """Whether it runs, and its check, if it has one, says so."""
    return replica.is_ready and sickness_of(replica, at) is None


def end_of(past: Past, replica: Replica | None, at: datetime) -> End | None:
    """How the open bout has ended by now; None while it goes on."""
    if replica is None or replica.state == State.STOPPED:
        return End.GONE
    if past.given_up_at:
        rested = at >= past.given_up_at + REST
        return End.GIVEN_UP if rested and is_well(replica, at) else None
    if is_well(replica, at):
        return End.RECOVERED
    if past.restarted_at and _came_to_nothing(past.restarted_at, replica, at):
        return End.FAILED
    return None


def _came_to_nothing(restarted_at: datetime, replica: Replica, at: datetime) -> bool:
    """It started anew and is sick again, or too long has gone by."""
    anew = replica.started_at is not None and replica.started_at >= restarted_at
    sick_again = anew and sickness_of(replica, at) == Sickness.UNHEALTHY
    return sick_again or at >= restarted_at + LOST


def decide(
    service: Service, past: Mapping[str, Past], at: datetime, own: str = ""
) -> Iterator[Decision]:
    """For each sick replica of the service; `past` is by the name of the replica.

    Bouts that have ended (see `end_of`) must not be in `past` as open ones. `own` is the id of the
    replica in which this process runs.
    """
    if service.one_shot:
        return
    known = [(past.get(replica.name, NOTHING), replica) for replica in service.replicas]
    free = most_at_once(service) - sum(is_under_way(history) for history, _replica in known)
    for history, replica in sorted(known, key=lambda pair: pair[0].since or at):
        if sickness := sickness_of(replica, at):
            why_not = _never(replica, own)
            action, because = _action(sickness, history, replica, at, why_not)
            if action == Action.RESTART and free < 1:
                action, because = Action.WAIT, _("another replica of it is being restarted")
            free -= action == Action.RESTART
            yield Decision(replica, sickness, action, because)


def most_at_once(service: Service) -> int:
    """How many replicas of the service may be in a restart at a time."""
    running = [replica for replica in service.replicas if replica.state != State.STOPPED]
    return max(1, len(running) // SHARE)


def _never(replica: Replica, own: str) -> str:
    """Why this replica is never restarted unasked; "" where it may be."""
    if replica.service in FOR_PEOPLE:
        words = _("%s is not restarted unasked: it may be recovering, and would begin anew")
        return words % replica.service
    return _("the healer itself runs in it") if replica.id == own else ""


def is_under_way(past: Past) -> bool:
    """Whether a restart has been done, or begun, of which it is not known what came of it."""
    return past.restarted_at is not None and past.given_up_at is None


def _action(
    sickness: Sickness, past: Past, replica: Replica, at: datetime, why_not: str
) -> tuple[Action, str]:
    if past.given_up_at:
        return Action.WAIT, _("it was given up: a person must look at it")
    if sickness == Sickness.CRASHING:
        return _of_crashing(past, replica, at)
    if is_under_way(past):
        return Action.WAIT, _("it is being restarted")
    if past.since is None or at < past.since + PATIENCE:
        return Action.WAIT, _("seen for the first time: the next look decides")
    if why_not:
        return Action.GIVE_UP, why_not
    return _of_unhealthy([time for time in past.recent if time > at - WITHIN], at)


def _of_unhealthy(recent: Sequence[datetime], at: datetime) -> tuple[Action, str]:
    if len(recent) >= MOST:
        return Action.GIVE_UP, _("%d restarts within an hour did not help") % len(recent)
    if recent and at < (next_at := recent[-1] + pause_after(len(recent))):
        words = _("restarted %(count)d times within an hour; the next time at %(time)s")
        clock = f"{localtime(next_at):%H:%M:%S}"
        return Action.WAIT, words % {"count": len(recent), "time": clock}
    return Action.RESTART, _("it has stayed unhealthy")


def pause_after(restarts: int) -> timedelta:
    """How long to wait after the last of so many restarts within an hour."""
    factor: int = 2 ** (restarts - 1)
    return FIRST_PAUSE * factor


def _of_crashing(past: Past, replica: Replica, at: datetime) -> tuple[Action, str]:
    earlier = [time for time in past.crashes if time > at - WITHIN]
    if _in_this_bout(past, replica) >= LOOP or len(earlier) >= MOST:
        words = _("the engine has restarted it %d times, and it does not keep running")
        return Action.GIVE_UP, words % replica.restarts
    return Action.WAIT, _("the engine restarts it")


def _in_this_bout(past: Past, replica: Replica) -> int:
    """Restarts by the engine; its count begins anew with each restart that is asked for."""
    if past.since is None:
        return 0
    risen = replica.restarts - past.restarts
    return risen if risen >= 0 else replica.restarts
