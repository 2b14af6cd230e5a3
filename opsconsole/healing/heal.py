"""One look at an environment, and what is done about what is sick in it.

Races, and why each is safe:

1. Two healers at once, for a restart may last longer than the time between two looks. Each service
   is looked after under a lock of its own, which goes with the process; the second passes over it,
   and goes on with the other services.
2. A deployment begins after the look at what is under way. It prepares images first, for longer
   than the moment between that look and the restart; where not, it finds the replica starting, and
   waits for its health as for any other.

Those of a restart are in carry_out.py.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, Service
from opsconsole.environments.locks import holding
from opsconsole.gateways.postgres.server import Locked
from opsconsole.healing import guards
from opsconsole.healing.carry_out import CarryOut
from opsconsole.healing.decide import Action, Past, decide, end_of, sickness_of
from opsconsole.healing.history import past_of
from opsconsole.healing.words import seen_of
from opsconsole.models import Caller, Environment, Heal


@dataclass(frozen=True)
class Done:
    """What was seen of a sick replica, and what was done, in words."""

    environment: str
    replica: str
    seen: str
    did: str


def heal(
    environment: Environment,
    engine: Engine,
    *,
    caller: Caller,
    dry_run: bool = False,
    at: datetime | None = None,
) -> list[Done]:
    """Look at all services, restart and give up as `decide` says; returns what is sick.

    Nothing is done where something else is under way. Raises EngineError where the engine does not
    say what runs: then nothing is known, and nothing is done.
    """
    at = at or now()
    services = engine.services()
    reason = guards.why_not(environment)
    if reason or dry_run:
        return [done for each in services for done in _only_said(environment, each, at, reason)]
    Heal.objects.old(at).delete()
    doing = CarryOut(environment, engine, caller, at)
    return [done for service in services for done in _looked_after(doing, service)]


def _only_said(
    environment: Environment, service: Service, at: datetime, reason: str
) -> Iterator[Done]:
    """What would be done, or why nothing is."""
    past = past_of(environment, service.name, at)
    for decision in decide(service, past, at, own_replica(service)):
        would = _("it would be restarted") if decision.action == Action.RESTART else ""
        did = reason or would or decision.because
        yield Done(environment.code, decision.replica.name, seen_of(decision), did)


def _looked_after(doing: CarryOut, service: Service) -> Iterator[Done]:
    if not _is_sick(service, doing.at) and not doing.open_heals(service.name).exists():
        return
    with suppress(Locked), holding(f"heal {doing.environment.pk} {service.name}"):
        _end(doing, service, past_of(doing.environment, service.name, doing.at))
        past = past_of(doing.environment, service.name, doing.at)
        for decision in decide(service, past, doing.at, own_replica(service)):
            did = doing.about(decision)
            yield Done(doing.environment.code, decision.replica.name, seen_of(decision), did)


def _is_sick(service: Service, at: datetime) -> bool:
    return not service.one_shot and any(sickness_of(each, at) for each in service.replicas)


def _end(doing: CarryOut, service: Service, past: Mapping[str, Past]) -> None:
    """End the bouts that are over."""
    replicas = {replica.name: replica for replica in service.replicas}
    for name, history in past.items():
        if history.since and (end := end_of(history, replicas.get(name), doing.at)):
            doing.end(service.name, name, end)


def own_replica(service: Service) -> str:
    """The id of the replica in which this process runs; "" where it is none of the service's.

    A container's host name is the beginning of its id; supervisor tells its programs their name.
    """
    program = os.environ.get("SUPERVISOR_PROCESS_NAME", "")
    host = socket.gethostname()
    for replica in service.replicas:
        if replica.id == program or (len(host) >= 12 and replica.id.startswith(host)):
            return replica.id
    return ""
