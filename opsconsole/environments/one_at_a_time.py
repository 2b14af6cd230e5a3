"""One at a time changes the number of replicas of a service.

The race: a replica that drains runs, and counts, until it has ended. Whoever scales up in that time
takes it for one that stays, and in the end there are fewer than were asked for. So whoever scales
holds a lock of the service for as long as the engine takes, up to the grace of its slowest replica;
the lock goes with the process that holds it, however it dies.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.utils.translation import gettext as _

from opsconsole.environments.locks import holding
from opsconsole.gateways.postgres.server import Locked
from opsconsole.models import Environment
from pmscoring.base.refusals import Busy


@contextmanager
def scaling(environment: Environment, service: str) -> Iterator[None]:
    """Be the one who scales the service; raises Busy where another one does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(holding(f"scale {environment.pk} {service}"))
        except Locked as error:
            raise Busy(
                _("%s is being scaled; replicas that go may still drain") % service
            ) from error
        yield


def is_scaled(environment: Environment, service: str) -> bool:
    """Whether somebody is at it."""
    try:
        with scaling(environment, service):
            return False
    except Busy:
        return True
