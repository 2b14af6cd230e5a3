"""Every reader goes on while its secret is rotated: real servers, and no call that fails.

The readers are processes of their own, for settings are read once; each asks its server by a new
connection all the time, and prints what failed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import redis

from pmscoring import secrets
from tests.paths import PYTHONPATH, ROOT
from tests.waiting import wait_until

DATABASE = os.environ["DATABASE_URL"]
REDIS = os.environ["REDIS_URL"]
ASKS = """
import sys, time
from pathlib import Path
import django
django.setup()
log, stop = Path(sys.argv[1]), Path(sys.argv[2])
def ask():
{ask}
asked = 0
with log.open("a", buffering=1) as out:
    while not stop.exists():
        try:
            ask()
            asked += 1
            print("asked", asked, file=out)
        except Exception as error:
            print("FAILED", repr(error), file=out)
        time.sleep(0.01)
"""
NEW_DATABASE_CONNECTION = """
    from django.db import connection
    connection.close_pool()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
"""
PG_DUMP = """
    from opsconsole.gateways.postgres.server import Server
    Server.from_settings().tool("pg_dump", "--schema-only", "--file=/dev/null")
"""
NEW_CACHE_CONNECTIONS = """
    from django.core.cache import cache
    from pmscoring.base import heartbeats, hold
    cache.set("key", "value")
    cache._cache.get_client().connection_pool.disconnect()
    heartbeats._store().ping()
    hold._client().ping()
"""
NEW_BROKER_CONNECTION = """
    from pmscoring.celery import app
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=0, timeout=3)
        connection.default_channel.client.ping()
"""


class Reader:
    """A process that asks all the time."""

    def __init__(self, folder: Path, ask: str, environment: dict[str, str]) -> None:
        self.log, self.stop = folder / "asked.log", folder / "stop"
        argv = [sys.executable, "-c", ASKS.format(ask=ask), str(self.log), str(self.stop)]
        own = {name: value for name, value in os.environ.items() if not name.endswith("_FILE")}
        self.process = subprocess.Popen(
            argv, cwd=ROOT, env={**own, "PYTHONPATH": PYTHONPATH, **SETTINGS, **environment}
        )

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def goes_on(self) -> None:
        """Return when it has asked some more."""
        before = len(self.lines())
        wait_until(lambda: len(self.lines()) >= before + 3, 60, "the reader asks")

    def failures(self) -> list[str]:
        return [line for line in self.lines() if not line.startswith("asked")]


SETTINGS = {"DJANGO_SETTINGS_MODULE": "pmscoring.settings", "ENVIRONMENT": "test"}


@contextmanager
def reading(folder: Path, ask: str, **environment: str) -> Iterator[Reader]:
    reader = Reader(folder, ask, environment)
    try:
        reader.goes_on()
        yield reader
    finally:
        reader.stop.touch()
        reader.process.wait(60)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a secret."""
    path = tmp_path / "secret"
    path.write_text("first-password")
    path.chmod(0o444)
    return path


@pytest.fixture
def role() -> Iterator[str]:
    """A role with that password, which must show it: pg_hba.conf of the tests asks for one."""
    name = f"rotated_{uuid4().hex[:8]}"
    as_admin(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'first-password'")
    yield name
    as_admin(f"DROP ROLE {name}")


def as_admin(statement: str) -> None:
    with psycopg.connect(DATABASE, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def second(file: Path) -> str:
    return file.read_text().split()[1]


@pytest.mark.parametrize("ask", [NEW_DATABASE_CONNECTION, PG_DUMP], ids=["django", "pg_dump"])
def test_database_connections_outlive_a_new_password(
    tmp_path: Path, file: Path, role: str, ask: str
) -> None:
    place = urlsplit(DATABASE)
    url = f"postgresql://{role}@{place.hostname}:{place.port}/postgres"
    with reading(tmp_path, ask, DATABASE_URL=url, DATABASE_PASSWORD_FILE=str(file)) as reader:
        secrets.rotate(file, "add")
        reader.goes_on()
        as_admin(f"ALTER ROLE {role} PASSWORD '{second(file)}'")
        reader.goes_on()
        for step in ("swap", "drop"):
            secrets.rotate(file, step)
            reader.goes_on()

    assert reader.failures() == []
    old = urlsplit(url)._replace(netloc=f"{role}:first-password@{place.hostname}:{place.port}")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(old.geturl())


@pytest.fixture
def account() -> Iterator[str]:
    """A user of Redis with that password."""
    name = f"rotated{uuid4().hex[:8]}"
    with redis.Redis.from_url(REDIS) as admin:
        admin.acl_setuser(name, True, passwords=["+first-password"], keys="*", categories=["+@all"])
        yield name
        admin.acl_deluser(name)


@pytest.mark.parametrize(
    ("ask", "name"),
    [(NEW_CACHE_CONNECTIONS, "CACHE"), (NEW_BROKER_CONNECTION, "BROKER")],
    ids=["cache", "broker"],
)
def test_redis_connections_outlive_a_new_password(
    tmp_path: Path, file: Path, account: str, ask: str, name: str
) -> None:
    place = urlsplit(REDIS)
    environment = {
        f"{name}_URL": f"redis://{account}@{place.hostname}:{place.port}{place.path}",
        f"{name}_PASSWORD_FILE": str(file),
    }
    with reading(tmp_path, ask, **environment) as reader, redis.Redis.from_url(REDIS) as admin:
        secrets.rotate(file, "add")
        admin.execute_command("ACL", "SETUSER", account, f">{second(file)}")
        reader.goes_on()
        secrets.rotate(file, "swap")
        reader.goes_on()
        admin.execute_command("ACL", "SETUSER", account, "<first-password")
        reader.goes_on()
        secrets.rotate(file, "drop")
        reader.goes_on()

    assert reader.failures() == []
