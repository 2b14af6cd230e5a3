"""What is there for more replicas: memory, connections to the database, the service behind.

What is not known bounds nothing: memory of other machines, and what another environment's database
has left.
"""

import logging

from opsconsole.engines.base import State
from opsconsole.environments import variables
from opsconsole.environments.engine import variables_of
from opsconsole.gateways import memory
from opsconsole.gateways.postgres.server import PostgresError, Server
from opsconsole.models import Environment
from opsconsole.scaling.looks import Look
from opsconsole.scaling.shapes import Room
from pmscoring.base.refusals import Refused

log = logging.getLogger(__name__)
RESERVE = 10
"""Connections that are left for backups, the console and a person with psql."""
BEHIND = {"worker": "inference"}
"""The service that does the work of another one."""
PROCESSES = {"web": ("WEB_WORKERS", 2), "worker": ("CELERY_CONCURRENCY", 2)}
"""The variable with the number of a replica's processes, and what holds without it."""
POOL, THREADS = ("DATABASE_POOL", 8), ("WEB_THREADS", 4)


def room_of(seen: Look, service: str) -> Room:
    """For more replicas of the service."""
    return Room(
        memory_free=_memory_free(seen, service),
        memory_each=_memory_each(seen, service),
        connections_free=_connections_free(seen.environment),
        connections_each=_connections_each(seen.environment, service),
        saturated=_saturated(seen, service),
    )


def _memory_free(seen: Look, service: str) -> int | None:
    """Of this machine, where all running replicas are on it; an engine knows no others' usage."""
    there = seen.services[service].replicas
    running = [one.id for one in there if one.state is State.RUNNING]
    return memory.available() if all(each in seen.usage for each in running) else None


def _memory_each(seen: Look, service: str) -> int | None:
    """The limit of a replica; without limits, the most that one of them uses."""
    replicas = seen.services[service].replicas
    usages = [seen.usage[one.id] for one in replicas if one.id in seen.usage]
    limits = [usage.memory_limit for usage in usages if usage.memory_limit]
    used = [usage.memory_bytes for usage in usages if usage.memory_bytes]
    return max(limits or used, default=None)


def _connections_free(environment: Environment) -> int | None:
    if not environment.is_here:
        return None
    try:
        return Server.from_settings().connections_free() - RESERVE
    except PostgresError as error:
        log.warning("the connections in use are not known: %s", error)
        return None


def _connections_each(environment: Environment, service: str) -> int | None:
    """The most that a replica opens: a process of web has as many as threads use at once, those for
    large bodies too, and of the pool at most; one of a worker does one thing at a time. A worker's
    parent has one too.
    """
    if service not in PROCESSES:
        return None
    try:
        own = variables_of(environment)
    except Refused:
        return None
    processes = _number(own, *PROCESSES[service])
    if service == "worker":
        return processes + 1
    return processes * min(_number(own, *POOL), 2 * _number(own, *THREADS) + 1)


def _number(own: dict[str, str], name: str, otherwise: int) -> int:
    text = own.get(name) or variables.defaults().get(name, "")
    return int(text) if text.isdecimal() else otherwise


def _saturated(seen: Look, service: str) -> str:
    """The service behind this one, where it has refused requests of late for want of room."""
    behind = BEHIND.get(service, "")
    return behind if behind and seen.load.get(f"{behind}_full") is True else ""
