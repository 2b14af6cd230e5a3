"""Servers that are away, refusing or silent, and a database that lacks a migration."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from pytest_django import Settings

from tests.local_servers import free_port


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield server.getsockname()[1]


def redis_at(settings: Settings, port: int) -> None:
    """From now on the settings name a Redis at this port of this machine."""
    url = f"redis://127.0.0.1:{port}/0"
    settings.CACHE_URL = settings.BROKER_URL = url
    default = {**settings.CACHES["default"], "LOCATION": url}
    settings.CACHES = {"default": default}


def redis_away(settings: Settings) -> None:
    """From now on nobody answers there."""
    redis_at(settings, free_port())


@contextmanager
def a_migration_missing() -> Iterator[None]:
    """The database of the tests does not know one of this version's migrations."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions' RETURNING name")
        (name,) = cursor.fetchone() or ("",)
        try:
            yield
        finally:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('sessions', %s, now())",
                [name],
            )
