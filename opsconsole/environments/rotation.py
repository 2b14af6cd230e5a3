"""Change a secret of the running installation while its readers go on.

`add` writes a new value into the file's second line; the server takes it; `swap` puts it first, and
readers use it from their next connection on; `drop` removes the old one, and the server forgets it.
pmscoring/base/rotating.py says how readers read the file. At no time is what they read refused:

1. A reader that has read the old value just before the swap still connects: servers that know two
   values forget the old one only LINGER_SECONDS later. PostgreSQL knows one alone; its readers try
   the file's other line.
2. It fails, or its worker is killed, between two steps. Both lines are there, and one of them is
   good, whichever is first. The next rotation begins by having the server take the first line, and
   drops the second.
3. A program of PostgreSQL's knows one password and connects again while it works. So nothing is
   rotated while a backup, a restore or a deployment is under way: Busy.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import redis
from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, EngineError, Say, State
from opsconsole.environments import guards
from opsconsole.gateways.postgres import roles
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.models import Backup, Environment, Restore
from pmscoring.base import connecting, rotating
from pmscoring.base.progress import Alive
from pmscoring.base.refusals import Busy, Refused

LINGER_SECONDS = 2.0
LIMIT = timedelta(minutes=2)
WRITER = ("python", "-m", "pmscoring.secrets", "--to", "/secrets")


@dataclass(frozen=True)
class Work:
    """The installation whose secret is changed, and how the work speaks."""

    engine: Engine
    say: Say
    alive: Alive

    def write(self, *words: str) -> None:
        """Let a container that has the folder of the secrets change it; this one has not."""
        argv = [*WRITER, *words]
        done = self.engine.run_once(
            "init-secrets", argv, timeout=LIMIT, say=self.say, alive=self.alive
        )
        if done.exit_code:
            raise EngineError(_("the secret could not be written: %s") % done.output[-300:])

    def in_each(self, service: str, argv: Sequence[str]) -> None:
        """Run a command in each replica of the service."""
        for replica in _running(self.engine, service):
            self._inside(replica, argv)

    def in_one(self, services: Sequence[str], argv: Sequence[str]) -> None:
        """Run a command in a replica of the first service that has one."""
        self._inside(_running(self.engine, *services)[0], argv)

    def _inside(self, replica: str, argv: Sequence[str]) -> None:
        self.alive()
        done = self.engine.inside(replica, argv, timeout=LIMIT)
        if done.exit_code:
            raise EngineError(_("%(command)s: %(says)s") % {
                "command": " ".join(argv), "says": done.output[-300:]
            })  # fmt: skip


def _running(engine: Engine, *services: str) -> list[str]:
    """The replicas that run, in the order of the services; raises EngineError for none."""
    by_name = {service.name: service.replicas for service in engine.services()}
    replicas = [replica for name in services for replica in by_name.get(name, ())]
    running = [replica.id for replica in replicas if replica.state == State.RUNNING]
    if not running:
        raise EngineError(_("no replica of %s runs") % ", ".join(services))
    return running


# What each server needs to take a value, and how it is seen that it does


def _database_takes(_work: Work, value: str) -> None:
    roles.change_password(Server.from_settings(), value)


def _database_took(_work: Work, value: str) -> None:
    if not roles.accepts(Server.from_settings(), value):
        raise EngineError(_("PostgreSQL refuses the new password"))


def _redis_takes(service: str) -> Callable[[Work, str], None]:
    """Its entrypoint has the server take each line of the file, and no other password."""
    argv = ["sh", "/etc/redis/entrypoint.sh", service, "users"]
    return lambda work, _value: work.in_each(service, argv)


def _redis_took(address: str, name: str) -> Callable[[Work, str], None]:
    def took(_work: Work, _value: str) -> None:
        try:
            url = getattr(settings, address)
            with connecting.connected(
                redis.Redis.from_url, url, name, socket_timeout=5, socket_connect_timeout=5
            ) as client:
                client.ping()
        except redis.RedisError as error:
            raise EngineError(
                _("Redis refuses the new password (%s)") % type(error).__name__
            ) from error

    return took


def _nothing(_work: Work, _value: str) -> None:
    """The inference service reads the file at each call."""


def _inference_took(work: Work, _value: str) -> None:
    # Both call the service; web containers may be stopped on purpose, when one was taken over.
    work.in_one(("web", "worker"), ["python", "manage.py", "canary"])


@dataclass(frozen=True)
class Secret:
    """A secret with two values for a while: how its server takes one, and how that is seen."""

    variable: str
    take: Callable[[Work, str], None]
    took: Callable[[Work, str], None]


SECRETS = {
    "database_password": Secret("DATABASE_PASSWORD", _database_takes, _database_took),
    "broker_password": Secret(
        "BROKER_PASSWORD", _redis_takes("broker"), _redis_took("BROKER_URL", "BROKER_PASSWORD")
    ),
    "cache_password": Secret(
        "CACHE_PASSWORD", _redis_takes("cache"), _redis_took("CACHE_URL", "CACHE_PASSWORD")
    ),
    "inference_token": Secret("INFERENCE_TOKEN", _nothing, _inference_took),
}
TLS = "tls"
NAMES = (*SECRETS, TLS)


def refuse(environment: Environment, name: str) -> None:
    """Raise Refused or Busy where the secret cannot be rotated, or not now."""
    if name not in NAMES:
        raise Refused(_("these secrets can be rotated: %s") % ", ".join(NAMES))
    if not environment.is_here:
        raise Refused(_("rotate it in the console of %s: nobody else reads it") % environment)
    if environment.engine == Environment.Engine.SWARM:
        raise Refused(
            _("Swarm's secrets do not change: write the file, raise SECRETS_VERSION and deploy")
        )
    if environment.engine == Environment.Engine.EMBEDDED:
        raise Refused(_("the secrets of an embedded installation are its processes' own"))
    guards.refuse_while_deploying(environment)
    if Backup.objects.under_way().exists() or Restore.objects.unfinished().exists():
        raise Busy(_("a backup or a restore is under way, which keeps connecting"))


def rotate(environment: Environment, engine: Engine, name: str, *, say: Say, alive: Alive) -> None:
    """Change the secret, and return when the old value is good no more.

    Raises Refused, Busy and EngineError; then both values are in the file, and all goes on.
    """
    refuse(environment, name)
    work = Work(engine, say, alive)
    try:
        _renew_certificate(work) if name == TLS else _rotate(work, name, SECRETS[name])
    except PostgresError as error:
        raise EngineError(str(error)) from error


def _rotate(work: Work, name: str, secret: Secret) -> None:
    if len(lines := rotating.lines(secret.variable)) > 1:
        work.say(_("settling what an earlier rotation left"))
        secret.take(work, lines[0])
        work.write("--rotate", name, "--step", "drop")
    work.write("--rotate", name, "--step", "add")
    lines = rotating.lines(secret.variable)
    if len(lines) != 2:
        raise EngineError(_("the changed file is not seen here: %s") % name)
    new = lines[1]
    secret.take(work, new)
    work.write("--rotate", name, "--step", "swap")
    secret.took(work, new)
    work.say(_("the new value is in use"))
    _linger(work.alive)
    work.write("--rotate", name, "--step", "drop")
    secret.take(work, new)
    secret.took(work, new)
    work.say(_("the old value is good no more"))


def _linger(alive: Alive) -> None:
    alive()
    time.sleep(LINGER_SECONDS)


def _renew_certificate(work: Work) -> None:
    """Put tls.crt.new and tls.key.new, which a person has laid beside, in place."""
    _running(work.engine, "nginx")
    work.write("--new-pair")
    work.in_each("nginx", ["nginx", "-e", "stderr", "-t", "-q"])
    work.in_each("nginx", ["nginx", "-e", "stderr", "-s", "reload"])
