"""Locks of this installation by name, in the maintenance database of the server.

A lock goes with the process that holds it, however that ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opsconsole.gateways.postgres.server import MAINTENANCE, Server
from opsconsole.models import Installation


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Hold this installation's lock of that name; raises Locked where another process does."""
    installation = Installation.objects.here().uid
    with Server.from_settings().named(MAINTENANCE).lock(f"pmscoring {installation} {name}"):
        yield
