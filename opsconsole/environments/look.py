"""Look at every environment that is laid out, and write what was seen into its row.

Pages, REST, commands and metrics read the row; they never ask an engine. Races, and why each is
safe:

1. Two workers look at once. Whoever looks holds a lock of the environment; the other passes over
   it, and the next turn looks again.
2. An engine is slow. Its calls give up after seconds, the message of a turn expires with the next
   turn, and what was seen keeps its time, so that it is known to be old.
3. Trouble begins while two workers pass it on to each other. The UPDATE that writes it matches the
   row only where there was none, so that one event is recorded.
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.timezone import now

from opsconsole.engines.base import Engine, EngineError, Happening, Replica, Service, Usage
from opsconsole.environments.engine import engine_of
from opsconsole.gateways.postgres.server import MAINTENANCE, Locked, Server
from opsconsole.models import Environment, Event
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=10)
LONGEST_TROUBLE = 500
MOST_HAPPENINGS = 50
"""Of an environment that are kept, the newest ones."""
FIRST_LOOK = timedelta(minutes=10)
"""How far back the first look, and one after a long time, asks for what happened."""
_kept: dict[int, tuple[dict[str, Any], Engine]] = {}
"""By environment, with what it was made of: CPU is computed from two looks by the same object."""


@dataclass(frozen=True)
class Sight:
    """What one look has seen."""

    services: list[Service]
    usage: dict[str, Usage]
    happenings: list[Happening]


def look_at_all() -> None:
    """Look at each environment that is laid out; one that cannot be seen does not stop the rest."""
    for environment in Environment.objects.laid_out():
        try:
            with suppress(Locked):
                look(environment)
        except Exception:
            # Its time is not written: there is an alert of what nobody has seen.
            log.exception("%s cannot be looked at", environment)


def look(environment: Environment, at: datetime | None = None) -> None:
    """Look at one and write what was seen, or why nothing could be; raises Locked."""
    lock = f"pmscoring look {environment.uid}"
    with Server.from_settings().named(MAINTENANCE).lock(lock):
        try:
            sight = _see(environment, at or now())
        except (EngineError, Refused) as error:
            _kept.pop(environment.pk, None)
            _write_trouble(environment, str(error) or type(error).__name__)
        else:
            _write(environment, sight, at or now())


def _see(environment: Environment, at: datetime) -> Sight:
    engine = kept_engine(environment)
    since = max(environment.seen_at or at - FIRST_LOOK, at - FIRST_LOOK)
    return Sight(engine.services(), engine.usage(), engine.happenings(since, at))


def kept_engine(environment: Environment) -> Engine:
    """Its engine: the object of the time before, unless what it was made of has changed since."""
    made_of = {
        "engine": environment.engine,
        "project": environment.project,
        "overlays": environment.overlays,
        "variables": environment.variables,
        "ports": environment.ports,
        "subnet": environment.subnet_prefix,
    }
    known, engine = _kept.get(environment.pk, ({}, None))
    if engine is None or known != made_of:
        engine = engine_of(environment)
        _kept[environment.pk] = (made_of, engine)
    return engine


def _write(environment: Environment, sight: Sight, at: datetime) -> None:
    services = [_service(service, sight.usage) for service in sight.services]
    names = {**_names(environment.seen.get("services", [])), **_names(services)}
    happenings = (_happening(happening, names) for happening in sight.happenings)
    seen = {
        "services": services,
        "happenings": _merged(environment.seen.get("happenings", []), happenings),
    }
    rows = Environment.objects.filter(pk=environment.pk)
    rows.update(seen=seen, seen_at=at)
    with transaction.atomic():
        if rows.exclude(trouble="").update(trouble=""):
            Event.objects.record("environment.back", environment)
    environment.refresh_from_db(fields=["seen", "seen_at", "trouble"])


def _write_trouble(environment: Environment, reason: str) -> None:
    """What was seen stays, with its time, after which it counts as unknown."""
    reason = redacted(reason)[:LONGEST_TROUBLE]
    rows = Environment.objects.filter(pk=environment.pk)
    with transaction.atomic():
        if rows.filter(trouble="").update(trouble=reason):
            Event.objects.record(
                "environment.away", environment, result=Event.Result.FAILED, reason=reason
            )
        else:
            rows.update(trouble=reason)
    environment.refresh_from_db(fields=["trouble"])


def _service(service: Service, usage: dict[str, Usage]) -> dict[str, Any]:
    """As `environments status --json` prints it."""
    return {
        "name": service.name,
        "wanted": service.wanted,
        "one_shot": service.one_shot,
        "has_check": service.has_check,
        "replicas": [_replica(replica, usage.get(replica.id)) for replica in service.replicas],
    }


def _replica(replica: Replica, usage: Usage | None) -> dict[str, Any]:
    usage = usage or Usage(None, None)
    return {
        "id": replica.id,
        "name": replica.name,
        "state": str(replica.state),
        "health": str(replica.health),
        "health_says": redacted(replica.health_says)[:LONGEST_TROUBLE],
        "image": replica.image,
        "digest": replica.digest,
        "cpu_cores": usage.cpu_cores,
        "cpu_limit": usage.cpu_limit,
        "memory_bytes": usage.memory_bytes,
        "memory_limit": usage.memory_limit,
        "throttled": usage.throttled,
        "restarts": replica.restarts,
        "exit_code": replica.exit_code,
        "started_at": _moment(replica.started_at),
        "finished_at": _moment(replica.finished_at),
    }


def _names(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {row["id"]: row["name"] for service in services for row in service["replicas"]}


def name_of(environment: Environment, replica: str) -> str:
    """What the replica of that id was called when it was seen last; empty where it was not."""
    return _names(environment.seen.get("services", [])).get(replica, "")


def _merged(known: list[dict[str, Any]], new: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest ones last; what two looks have both seen is there once."""
    rows = [*known, *new]
    each = {(row["at"], row["replica"], row["what"]): row for row in rows}
    return sorted(each.values(), key=lambda row: str(row["at"]))[-MOST_HAPPENINGS:]


def _happening(happening: Happening, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "at": _moment(happening.at),
        "service": happening.service,
        "replica": happening.replica,
        "name": names.get(happening.replica, ""),
        "what": happening.what,
        "says": redacted(happening.says)[:LONGEST_TROUBLE],
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None


def status(environment: Environment) -> dict[str, Any]:
    """The document of `environments status`: what was seen last, and when."""
    return {
        "code": environment.code,
        "kind": environment.kind,
        "engine": environment.engine,
        "state": state_of(environment),
        "trouble": environment.trouble,
        "seen_at": environment.seen_at,
        "services": environment.seen.get("services", []),
        "happenings": environment.seen.get("happenings", []),
    }


def state_of(environment: Environment, at: datetime | None = None) -> str:
    """In one word: removed, added (not laid out yet), away, unknown, sick, healthy."""
    if environment.removed_at:
        return "removed"
    if not environment.laid_out_at:
        return "added"
    if environment.trouble:
        return "away"
    if not environment.is_known(at):
        return "unknown"
    services = environment.seen.get("services", [])
    return "healthy" if services and all(map(is_well, services)) else "sick"


def is_well(service: dict[str, Any]) -> bool:
    """Whether a service, as it was seen, has as many running replicas as it wants, none sick."""
    running = [replica for replica in service["replicas"] if replica["state"] == "running"]
    if service["one_shot"]:
        return all(not replica["exit_code"] for replica in service["replicas"])
    sick = any(replica["health"] in ("unhealthy", "unknown") for replica in running)
    return len(running) >= service["wanted"] and not sick
