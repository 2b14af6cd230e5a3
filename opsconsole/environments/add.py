"""Add an environment beside the running installation; its first deployment lays it out.

Race: two are added at once with the same ports. Each first locks the installation's row, so that
the second one sees the row of the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.environments import shape, site
from opsconsole.models import Caller, Environment, Event, Installation
from pmscoring.base.refusals import Refused

SUBNETS = [f"172.{number}" for number in (*range(29, 32), *range(20, 28))]
"""Offered in this order; Docker takes others of these ranges for itself, from the lower end up."""
FIRST_PORT = 8180


@dataclass(frozen=True)
class Wanted:
    """What a person says of an environment; the rest is chosen so that nothing collides."""

    code: str
    kind: str
    subnet: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    overlays: Sequence[str] = ()
    """Beside the kind's own."""
    variables: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    protected: bool = False


def add(wanted: Wanted, *, caller: Caller) -> Environment:
    """Enter it; raises Refused where it is none that is shipped, or collides with another one."""
    with transaction.atomic():
        Installation.objects.locked()
        here = _here()
        others = list(Environment.objects.kept().exclude(code=wanted.code))
        environment = _made(wanted, here, others)
        shape.refuse_nonsense(environment)
        _refuse_collisions(environment, others)
        environment.save()
        details = {"kind": environment.kind, "subnet": environment.subnet_prefix}
        Event.objects.record("environment.added", environment, caller, **details)
    return environment


def _here() -> Environment:
    """By its row: the web server, which may ask, knows nothing else of the site."""
    here = Environment.objects.filter(is_here=True).first()
    if here is None:
        raise Refused(
            _("this installation has not been entered yet; the operations worker does it")
        )
    if here.engine not in site.IN_CONTAINERS:
        raise Refused(_("environments are added where containers run; here is no engine for them"))
    return here


def _made(wanted: Wanted, here: Environment, others: Iterable[Environment]) -> Environment:
    """A new row, or that of an environment of this code that was removed, whose history goes on."""
    environment = Environment.objects.filter(code=wanted.code).first() or Environment()
    if environment.pk and not environment.removed_at:
        raise Refused(_("there is an environment %s already") % wanted.code)
    environment.code, environment.kind = wanted.code, wanted.kind
    environment.engine = here.engine
    environment.overlays = [*shape.OF_KIND.get(wanted.kind, ()), *wanted.overlays]
    environment.project = f"{here.project}-{wanted.code}"
    environment.subnet_prefix = wanted.subnet or _free_subnet(others)
    environment.ports = dict(wanted.ports) or {"HAPROXY_PORT": _free_port(others)}
    environment.base_url = wanted.base_url
    environment.variables = dict(wanted.variables)
    environment.protected = wanted.protected or wanted.kind == Environment.Kind.PRODUCTION
    environment.added_at, environment.laid_out_at, environment.removed_at = now(), None, None
    environment.release, environment.seen, environment.seen_at = None, {}, None
    environment.trouble = ""
    return environment


def _free_subnet(others: Iterable[Environment]) -> str:
    taken = {environment.subnet_prefix for environment in others}
    if free := [subnet for subnet in SUBNETS if subnet not in taken]:
        return free[0]
    raise Refused(_("no subnet is left to choose; name one"))


def _free_port(others: Iterable[Environment]) -> int:
    taken = {number for environment in others for number in environment.ports.values()}
    return next(number for number in range(FIRST_PORT, 65536) if number not in taken)


def _refuse_collisions(environment: Environment, others: Iterable[Environment]) -> None:
    for other in others:
        if environment.project == other.project:
            raise Refused(_("%(other)s has the project %(name)s") % _names(other, other.project))
        if environment.subnet_prefix == other.subnet_prefix:
            subnet = f"{other.subnet_prefix}.0.0/16"
            raise Refused(_("%(other)s has the subnet %(name)s") % _names(other, subnet))
        if both := sorted(set(environment.ports.values()) & set(other.ports.values())):
            port = str(both[0])
            raise Refused(_("%(other)s has the port %(name)s") % _names(other, port))


def _names(other: Environment, name: str) -> dict[str, str]:
    return {"other": other.code, "name": name}


def protect(environment: Environment, *, on: bool, caller: Caller, why: str = "") -> None:
    """Keep an environment from being removed, or let it be; the event keeps the reason."""
    with transaction.atomic():
        changed = Environment.objects.filter(pk=environment.pk, protected=not on)
        if changed.update(protected=on):
            details: dict[str, Any] = {"changed": ["protected"], "protected": on}
            Event.objects.record("environment.changed", environment, caller, reason=why, **details)
    environment.refresh_from_db(fields=["protected"])
