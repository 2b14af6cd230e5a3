"""A database of each test's own on the real server."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from opsconsole.gateways.postgres.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """An empty database."""
    live = Server.from_settings().named("postgres")
    name = f"own_{uuid4().hex[:12]}"
    live.create(name)
    yield live.named(name)
    live.drop(name)
