"""How many replicas a service may have."""

from django.utils.translation import gettext as _

from opsconsole.models import Environment
from pmscoring.base.machine import most_workers
from pmscoring.base.refusals import Refused

MOST = {"web": 20, "worker": 20, "inference": 8}
"""HAProxy has 30 places for web, and a rollout runs up to as many again beside the old ones."""


def most(service: str, engine: str = "") -> int:
    """What keeps data, or has no election, or is a fixed address, is there once.

    The embedded engine has one program of each service, and some more of the worker; without an
    engine, what none of them goes beyond.
    """
    if engine == Environment.Engine.EMBEDDED:
        return most_workers() if service == "worker" else 1
    return MOST.get(service, 1)


def refuse_beyond(service: str, replicas: object, engine: str = "") -> int:
    """The number; raises Refused where it is none, or not within 1 and the service's most."""
    limit = most(service, engine)
    if type(replicas) is not int or not 1 <= replicas <= limit:
        words = {"service": service, "most": limit, "asked": str(replicas)[:20]}
        raise Refused(_("%(service)s may have 1 to %(most)d replicas, and not %(asked)s") % words)
    return replicas
