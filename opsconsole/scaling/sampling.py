"""A look at an environment, and a sample of each of its services from it.

Rates are computed from two running totals: those of this look, and those that the row of the sample
before has kept. So it does not matter which worker process took that one, and one that was taken
too long ago says nothing: the first sample has no CPU.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.engines.base import (
    Counted,
    Engine,
    EngineError,
    Replica,
    State,
    Usage,
)
from opsconsole.engines.meanwhile import in_parallel
from opsconsole.gateways import prometheus
from opsconsole.models import Environment, ScalingSample
from opsconsole.scaling import balancer, published
from opsconsole.scaling.looks import Look, look
from opsconsole.scaling.readings import missing, reading_of
from opsconsole.scaling.recorded import samples_of
from opsconsole.scaling.room import room_of
from opsconsole.scaling.shapes import Kind, Reading, Sample, Seen
from opsconsole.scaling.troubles import Trouble

__all__ = ["Look", "earlier", "look", "sample", "sample_from", "with_answers"]
log = logging.getLogger(__name__)
EARLIER = timedelta(seconds=60)
"""An earlier sample is no longer used for rates: they would tell of a past load."""
MOST_AT_ONCE = 40
"""Expressions that Prometheus is asked for at once: those of a policy for each service."""
Totals = dict[str, Sequence[float]]


def sample(
    environment: Environment, engine: Engine, service: str, queries: Sequence[str], at: datetime
) -> Sample:
    """A sample of one service; raises EngineError."""
    return sample_from(with_answers(look(environment, engine, at), queries), service, queries)


def with_answers(seen: Look, queries: Iterable[str]) -> Look:
    """The look with what Prometheus answers to expressions, all asked at once.

    One that hangs costs a turn its patience once for each environment, and not for each expression:
    the turn would decide too late.
    """
    queries = sorted(set(queries))
    answers = in_parallel(_asked, queries, at_once=MOST_AT_ONCE)
    return replace(seen, answers=dict(zip(queries, answers, strict=True)))


def sample_from(seen: Look, service: str, queries: Sequence[str]) -> Sample:
    """A sample of one of the services in a look; raises EngineError where it is not there.

    `queries` are expressions of Prometheus, with answers in the look. What cannot be read is a
    reading with its trouble.
    """
    if service not in seen.services:
        raise EngineError(_("There is no service {name}.").format(name=service))
    there, before = seen.services[service], earlier(seen.environment, service, seen.at)
    replicas = [one for one in there.replicas if one.state is not State.STOPPED]
    balanced, counted = balancer.readings(seen, service, before)
    waiting, arrived = published.readings(seen, before)
    asked = {f"{Kind.QUERY}:{query}": seen.answers.get(query, Reading()) for query in queries}
    return Sample(
        at=seen.at,
        service=service,
        wanted=there.scaled,
        replicas=tuple(_seen(one, seen, before) for one in replicas),
        readings={**waiting, **balanced, **asked},
        room=room_of(seen, service),
        totals={**_totals(replicas, seen.usage), **counted, **arrived},
    )


def earlier(environment: Environment, service: str, at: datetime) -> Sample | None:
    """The sample before, unless that is too long ago."""
    rows = ScalingSample.objects.full().filter(environment=environment, service=service)
    newest = rows.between(at - EARLIER, at).reverse()[:1]
    return next(samples_of(newest), None)


def _asked(query: str) -> Reading:
    """What Prometheus answers to an expression at this moment."""
    if not settings.PROMETHEUS_URL:
        return missing(Trouble.NO_PROMETHEUS)
    try:
        return reading_of(prometheus.value_of(settings.PROMETHEUS_URL, query))
    except prometheus.PrometheusError as error:
        return missing(error.recorded)
    except Exception as error:
        # It is the trouble of the policy that asks, and not of all that are in the same look.
        log.exception("scaling: an expression cannot be asked")
        return missing(f"{type(error).__name__}: {error}")


def _seen(replica: Replica, look: Look, before: Sample | None) -> Seen:
    usage = look.usage.get(replica.id, Usage(None, None))
    cores, throttled = _rates(replica, usage, before)
    return Seen(
        name=replica.name,
        ready=replica.is_ready,
        age=_age(replica, look.at),
        cpu=_rounded(_share(cores, usage)),
        throttled=_rounded(throttled),
        memory=usage.memory_bytes,
    )


def _age(replica: Replica, at: datetime) -> float | None:
    if replica.started_at is None:
        return None
    return round(max((at - replica.started_at).total_seconds(), 0.0), 1)


def _rates(
    replica: Replica, usage: Usage, before: Sample | None
) -> tuple[float | None, float | None]:
    """Cores, and the share of periods without them; an engine without totals says both itself."""
    if usage.counted is None:
        return usage.cpu_cores, usage.throttled
    then = _counted(replica, before)
    if then is None:
        return None, None
    return usage.counted.cores_since(then), usage.counted.throttled_since(then)


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


def _rounded(share: float | None) -> float | None:
    """To what means something: a row a quarter of a minute is kept."""
    return share if share is None else round(share, 4)


def _totals(replicas: Sequence[Replica], usage: Mapping[str, Usage]) -> Totals:
    counted = {one.name: usage[one.id].counted for one in replicas if one.id in usage}
    return {
        name: (round(total.cpu, 3), round(total.system, 2), total.periods, total.throttled)
        for name, total in counted.items()
        if total
    }
