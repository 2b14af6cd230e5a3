"""A look at an environment, and a sample of each of its services from it.

Rates are computed from two running totals: those of this look, and those that the row of the sample
before has kept. So it does not matter which worker process took that one, and one that was taken
too long ago says nothing: the first sample has no CPU.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from opsconsole.engines.base import (
    Counted,
    Engine,
    EngineError,
    Health,
    Replica,
    Service,
    State,
    Usage,
)
from opsconsole.models import Environment, ScalingSample
from opsconsole.scaling import published
from opsconsole.scaling.recorded import sample_of
from opsconsole.scaling.shapes import Sample, Seen

EARLIER = timedelta(seconds=60)
"""An earlier sample is no longer used for rates: they would tell of a past load."""
WELL = (Health.HEALTHY, Health.NONE)
Totals = dict[str, Sequence[float]]


@dataclass(frozen=True)
class Look:
    """What an engine said of all services at one time."""

    environment: Environment
    engine: Engine
    at: datetime
    services: Mapping[str, Service]
    usage: Mapping[str, Usage]


def look(environment: Environment, engine: Engine, at: datetime) -> Look:
    """Look at all containers at once; raises EngineError."""
    services = {service.name: service for service in engine.services()}
    return Look(environment, engine, at, services, engine.usage())


def sample(
    environment: Environment, engine: Engine, service: str, queries: Sequence[str], at: datetime
) -> Sample:
    """A sample of one service; raises EngineError."""
    return sample_from(look(environment, engine, at), service, queries)


def sample_from(seen: Look, service: str, queries: Sequence[str]) -> Sample:
    """A sample of one of the services in a look; raises EngineError where it is not there.

    `queries` are expressions of Prometheus. What cannot be read is a reading with its trouble.
    """
    if service not in seen.services:
        raise EngineError(_("There is no service {name}.").format(name=service))
    there, before = seen.services[service], _before(seen, service)
    replicas = [one for one in there.replicas if one.state is not State.STOPPED]
    load = published.read(seen.environment)
    return Sample(
        at=seen.at,
        service=service,
        wanted=there.wanted,
        replicas=tuple(_seen(one, seen, before) for one in replicas),
        readings=published.readings(seen.environment, load),
        totals=_totals(replicas, seen.usage),
    )


def _before(seen: Look, service: str) -> Sample | None:
    rows = ScalingSample.objects.full().filter(environment=seen.environment, service=service)
    row = rows.between(seen.at - EARLIER, seen.at).last()
    return sample_of(row) if row else None


def _seen(replica: Replica, look: Look, before: Sample | None) -> Seen:
    usage = look.usage.get(replica.id, Usage(None, None))
    cores, throttled = _rates(replica, usage, before)
    return Seen(
        name=replica.name,
        ready=replica.state is State.RUNNING and replica.health in WELL,
        age=_age(replica, look.at),
        cpu=_share(cores, usage),
        throttled=throttled,
        memory=usage.memory_bytes,
    )


def _age(replica: Replica, at: datetime) -> float | None:
    if replica.started_at is None:
        return None
    return max((at - replica.started_at).total_seconds(), 0.0)


def _rates(
    replica: Replica, usage: Usage, before: Sample | None
) -> tuple[float | None, float | None]:
    """Cores, and the share of periods without them; an engine without totals says both itself."""
    if usage.counted is None:
        return usage.cpu_cores, usage.throttled
    earlier = _counted(replica, before)
    if earlier is None:
        return None, None
    return usage.counted.cores_since(earlier), usage.counted.throttled_since(earlier)


def _counted(replica: Replica, before: Sample | None) -> Counted | None:
    """The totals of the sample before, unless the replica was started since."""
    if before is None or replica.name not in before.totals:
        return None
    if replica.started_at is None or replica.started_at > before.at:
        return None
    cpu, system, periods, throttled = before.totals[replica.name]
    return Counted(cpu, system, int(periods), int(throttled))


def _share(cores: float | None, usage: Usage) -> float | None:
    """Of its limit, or of the machine where it has none."""
    of = usage.cpu_limit or (usage.counted.cpus if usage.counted else None)
    return cores / of if cores is not None and of else None


def _totals(replicas: Sequence[Replica], usage: Mapping[str, Usage]) -> Totals:
    counted = {one.name: usage[one.id].counted for one in replicas if one.id in usage}
    return {
        name: (total.cpu, total.system, total.periods, total.throttled)
        for name, total in counted.items()
        if total
    }
