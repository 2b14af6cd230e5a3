"""The running installation enters itself as an environment, and keeps its row true.

Races, and why they are safe:

1. Two workers enter at once. Each first locks the installation's row; the second one then sees the
   row of the first.
2. A person adds an environment of the same code meanwhile. The code is unique: whoever is second is
   refused, and the next turn of the sweep enters under another one.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from opsconsole.environments import site, variables
from opsconsole.models import Environment, Event, Installation
from opsconsole.models.events import SYSTEM, Caller
from pmscoring.base.redaction import redacted

KINDS = {"test": Environment.Kind.DEVELOPMENT}
"""Kinds of settings that are no kinds of environments."""
STRUCTURAL = ("COMPOSE_PROJECT_NAME", "OVERLAYS", "COMPOSE_PROFILES", "ENVIRONMENT", "VERSION")
"""Variables that have a column of their own, or change with each release."""


def enter(caller: Caller = SYSTEM) -> Environment | None:
    """Enter this installation, or correct its row; None where no engine runs it."""
    if not settings.ENGINE:
        return None
    with transaction.atomic():
        Installation.objects.locked()
        here = Environment.objects.filter(is_here=True).first()
        if here is None:
            return _entered(caller)
        _correct(here, caller)
    return here


def _entered(caller: Caller) -> Environment:
    facts = facts_here()
    protected = facts["kind"] == Environment.Kind.PRODUCTION
    here = Environment.objects.create(
        **facts,
        code=_free_code(facts["kind"]),
        is_here=True,
        protected=protected,
        laid_out_at=now(),
    )
    Event.objects.record("environment.entered", here, caller, kind=here.kind, engine=here.engine)
    return here


def _free_code(kind: str) -> str:
    """The kind itself, unless an environment that was added has that code."""
    taken = set(Environment.objects.values_list("code", flat=True))
    codes = (kind, *(f"{kind}-{number}" for number in range(2, 1000)))
    return next(code for code in codes if code not in taken)


def _correct(here: Environment, caller: Caller) -> None:
    """The site may have been changed since, or the backup restored on another one."""
    facts = facts_here()
    changed = {name: value for name, value in facts.items() if getattr(here, name) != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(here, name, value)
    here.save(update_fields=list(changed))
    Event.objects.record("environment.changed", here, caller, changed=sorted(changed))


def facts_here() -> dict[str, Any]:
    """The columns that the settings and the site decide."""
    facts: dict[str, Any] = {
        "kind": KINDS.get(settings.ENVIRONMENT, settings.ENVIRONMENT),
        "engine": settings.ENGINE,
    }
    if not site.in_containers():
        return facts
    ports = site.ports()
    apart = {*STRUCTURAL, *ports}
    rest = {name: value for name, value in variables.of_site().items() if name not in apart}
    return facts | {
        "overlays": site.overlays(),
        "project": site.project(),
        "subnet_prefix": site.subnet_prefix(),
        "ports": ports,
        # An address of a server of the site's own may have a password in it.
        "variables": {name: redacted(value) for name, value in sorted(rest.items())},
    }
