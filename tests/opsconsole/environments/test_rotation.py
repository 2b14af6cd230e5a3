"""Secrets rotated on real servers; the fake engine has the containers' files and their commands."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from django.core.management import CommandError, call_command
from pytest_django import Settings

from opsconsole.engines.base import Finished
from opsconsole.environments import engine, operate, rotation
from opsconsole.gateways.postgres import roles
from opsconsole.gateways.postgres.server import Server
from opsconsole.models import Caller, Environment, Event, Operation
from pmscoring import secrets
from pmscoring.base import rotating
from pmscoring.base.refusals import Busy, Refused
from tests.opsconsole.engines.fake import Fake, FakeService
from tests.opsconsole.factories import STATUS, a_backup

pytestmark = pytest.mark.django_db
OPERATOR = Caller("sato", "admin", "192.0.2.7")
REDIS = os.environ["REDIS_URL"]


class Containers(Fake):
    """`init-secrets` writes into the folder; the commands of other containers are noted."""

    folder: Path
    on_users: Callable[[], None]
    broken: str = ""

    def run_once(self, service: str, argv: Sequence[str], **words: Any) -> Finished:
        assert service == "init-secrets"
        assert tuple(argv[:5]) == rotation.WRITER
        if argv[5] == "--new-pair":
            return Finished(0, "")
        assert (argv[5], argv[7]) == ("--rotate", "--step")
        if argv[8] == self.broken:
            return Finished(1, "the disk is full")
        secrets.rotate(self.folder / argv[6], argv[8])
        return Finished(0, "")

    def inside(self, replica: str, argv: Sequence[str], *, timeout: timedelta) -> Finished:
        if argv[-1] == "users":
            self.on_users()
        self.ran.append(("", tuple(argv), ""))
        return Finished(0, "OK")


@pytest.fixture
def containers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings) -> Containers:
    """The engine of the running installation, whose secrets lie in a folder and are mounted."""
    made = Containers()
    made.folder = tmp_path
    for name, secret in rotation.SECRETS.items():
        (tmp_path / name).write_text("first-password")
        monkeypatch.delenv(secret.variable, raising=False)
        monkeypatch.setenv(f"{secret.variable}_FILE", str(tmp_path / name))
    settings.PASSWORDS_IN_FILES = {secret.variable for secret in rotation.SECRETS.values()}
    monkeypatch.setitem(engine.KINDS, "compose", lambda environment: made)
    monkeypatch.setattr(rotation, "LINGER_SECONDS", 0.0)
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The database of a role with that password."""
    live = replace(Server.from_settings(), rotates=False)
    role = f"rotated_{uuid4().hex[:8]}"
    with live.connect() as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'first-password'".encode())
        own = replace(live, user=role, password="first-password", rotates=True)
        monkeypatch.setattr(Server, "from_settings", classmethod(lambda cls: own))
        yield own
        admin.execute(f"DROP ROLE {role}".encode())


def rotated(here: Environment, name: str) -> Operation:
    operation = operate.rotate(here, name, caller=OPERATOR, why="yearly")
    operate.perform(operation)
    operation.refresh_from_db()
    return operation


def value(containers: Containers, name: str) -> str:
    (only,) = rotating.lines_of(containers.folder / name)
    return only


def test_the_database_takes_a_new_password_and_forgets_the_old_one(
    here: Environment, containers: Containers, server: Server
) -> None:
    operation = rotated(here, "database_password")

    assert (operation.status, operation.reason) == ("done", "")
    new = value(containers, "database_password")
    assert roles.accepts(server, new)
    assert not roles.accepts(server, "first-password")
    event = Event.objects.get(deed="secret.rotated")
    assert (event.actor, event.details) == (
        "sato",
        {"secret": "database_password", "reason": "yearly"},
    )
    told = str(list(Event.objects.values())) + str(list(Operation.objects.values()))
    assert new not in told


@pytest.mark.parametrize(("service", "address"), [("broker", "BROKER_URL"), ("cache", "CACHE_URL")])
def test_redis_takes_a_new_password_beside_the_old_one_and_then_forgets_that(
    here: Environment, containers: Containers, settings: Settings, service: str, address: str
) -> None:
    user, place = f"rotated{uuid4().hex[:8]}", urlsplit(REDIS)
    own = place._replace(netloc=f"{user}:first-password@{place.hostname}:{place.port}")
    setattr(settings, address, own.geturl())
    with redis.Redis.from_url(REDIS) as admin:
        file = containers.folder / f"{service}_password"
        known: list[int] = []

        def users() -> None:
            lines = rotating.lines_of(file)
            known.append(len(lines))
            words = [word for line in lines for word in (f">{line}",)]
            admin.execute_command("ACL", "SETUSER", user, "on", "resetpass", *words, "+@all", "~*")

        containers.on_users = users
        users()

        operation = rotated(here, f"{service}_password")

        assert (operation.status, operation.reason) == ("done", "")
        assert known == [1, 2, 1]
        with (
            redis.Redis.from_url(own.geturl()) as old,
            pytest.raises(redis.AuthenticationError),
        ):
            old.ping()
        admin.acl_deluser(user)


def test_the_token_is_tried_by_a_web_server_before_the_old_one_goes(
    here: Environment, containers: Containers
) -> None:
    operation = rotated(here, "inference_token")

    assert operation.status == "done"
    assert value(containers, "inference_token") != "first-password"
    assert ("", ("python", "manage.py", "canary"), "") in containers.ran


def test_nginx_takes_a_new_certificate_without_a_restart(
    here: Environment, containers: Containers
) -> None:
    assert "no replica of nginx runs" in rotated(here, "tls").reason
    nginx = replace(containers.running("web")[0], id="nginx-1", name="nginx-1", service="nginx")
    containers.services_["nginx"] = FakeService("nginx", 1, [nginx])

    operation = rotated(here, "tls")

    assert (operation.status, operation.reason) == ("done", "")
    assert [argv for _, argv, _ in containers.ran if argv[0] == "nginx"] == [
        ("nginx", "-e", "stderr", "-t", "-q"),
        ("nginx", "-e", "stderr", "-s", "reload"),
    ]


def test_a_rotation_that_failed_is_told_and_leaves_both_values_good(
    here: Environment, containers: Containers, server: Server
) -> None:
    containers.broken = "swap"

    operation = rotated(here, "database_password")

    assert operation.status == "failed"
    assert "the disk is full" in operation.reason
    assert "the disk is full" in Event.objects.get(deed="secret.rotation_failed").details["why"]
    server.connect().close()  # as every reader connects: by whichever of the two is good


def test_the_next_rotation_settles_what_a_failed_one_left(
    here: Environment, containers: Containers, server: Server
) -> None:
    for containers.broken in ("swap", "drop"):
        assert rotated(here, "database_password").status == "failed"
        server.connect().close()
    containers.broken = ""

    assert rotated(here, "database_password").status == "done"

    assert roles.accepts(server, value(containers, "database_password"))


def test_it_is_refused_where_it_would_break_something(
    here: Environment, containers: Containers
) -> None:
    with pytest.raises(Refused, match="these secrets can be rotated"):
        operate.rotate(here, "secret_key", caller=OPERATOR)
    here.engine = "swarm"
    with pytest.raises(Refused, match="SECRETS_VERSION"):
        operate.rotate(here, "inference_token", caller=OPERATOR)
    here.engine = "embedded"
    with pytest.raises(Refused, match="its processes' own"):
        operate.rotate(here, "inference_token", caller=OPERATOR)
    here.engine = "compose"
    a_backup(STATUS.RUNNING)
    with pytest.raises(Busy, match="a backup or a restore is under way"):
        operate.rotate(here, "database_password", caller=OPERATOR)


def test_the_command_rotates_one(
    here: Environment, containers: Containers, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("secrets", "rotate", "inference_token")

    assert "inference_token has a new value" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("secrets", "rotate", "secret_key")


def test_a_role_without_the_right_password_is_refused(server: Server) -> None:
    assert roles.accepts(server, "first-password")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.conninfo, password="another")
