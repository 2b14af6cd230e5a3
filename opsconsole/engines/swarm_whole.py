"""A whole stack: laid out from nothing, and removed."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from django.utils.translation import gettext as _

from opsconsole.engines.base import EngineError, Say, Service, State, Version
from opsconsole.engines.containers import Containers
from opsconsole.engines.daemon import Daemon, Gone
from opsconsole.engines.meanwhile import paced
from opsconsole.engines.parsing import Document
from opsconsole.engines.swarm_parsing import NAMESPACE
from opsconsole.engines.swarm_services import SwarmServices
from opsconsole.engines.swarm_stack import Stack
from pmscoring.base.progress import Alive

LAYING = timedelta(minutes=15)
LATER_SECONDS = 30.0
"""After the longest time that a service has to stop, nothing of the stack should run."""
LOOK_SECONDS = 1.0


def lay_out(
    stack: Stack,
    services: Callable[[], Sequence[Service]],
    version: Version,
    say: Say,
    alive: Alive,
) -> None:
    """Create it, and wait until all of it runs. Secrets are read from their files, if not there."""
    say(_("creating networks, secrets and services"))
    stack.deploy_all(stack.read(version))
    end, beat = time.monotonic() + LAYING.total_seconds(), paced(alive)
    ready: set[str] = set()
    while True:
        waiting = []
        for service in services():
            if not is_ready(service):
                waiting.append(service)
            elif service.name not in ready:
                ready.add(service.name)
                say(_("{name} is ready").format(name=service.name))
        if ready and not waiting:
            return
        beat()
        if time.monotonic() > end:
            says = "; ".join(f"{one.name}: {_says(one)}" for one in waiting)
            raise EngineError(_("Not ready in time: {says}").format(says=says))
        time.sleep(LOOK_SECONDS)


def is_ready(service: Service) -> bool:
    """Whether as many run as are wanted, or a job has done its work."""
    if service.one_shot:
        return any(replica.exit_code == 0 for replica in service.replicas)
    running = [one for one in service.replicas if one.state is State.RUNNING]
    return len(running) >= service.wanted


def _says(service: Service) -> str:
    return next((one.health_says for one in service.replicas if one.health_says), "")


def remains(services: SwarmServices) -> list[str]:
    """Names of all that has the stack's name: Swarm would use it as if it were its own."""
    api, ask = services.daemon.api, services.daemon.ask
    filters = {"label": [f"{NAMESPACE}={services.project}"]}
    found = ask(lambda: api.services(filters=filters)) + ask(lambda: api.secrets(filters=filters))
    volumes = ask(lambda: api.volumes(filters=filters))["Volumes"] or []
    networks = ask(lambda: api.networks(filters=filters))
    names = [one["Spec"]["Name"] for one in found]
    return sorted([*names, *(one["Name"] for one in (*volumes, *networks))])


def remove(services: SwarmServices, containers: Containers, say: Say) -> None:
    """Everything that carries the stack's labels: services first, for they use the rest."""
    daemon, filters = services.daemon, services.filters
    api = daemon.slow_api
    say(_("removing services"))
    present = daemon.ask(lambda: api.services(filters=filters))
    for service in present:
        services.remove(service["ID"])
    _until_ended(containers, max(map(_grace, present), default=0.0) + LATER_SECONDS)
    say(_("removing networks"))
    for network in daemon.ask(lambda: api.networks(filters=filters)):
        _removed(daemon, api.remove_network, network["Id"])
    say(_("removing volumes"))
    for volume in daemon.ask(lambda: api.volumes(filters=containers.filters))["Volumes"] or []:
        _removed(daemon, api.remove_volume, volume["Name"])
    say(_("removing secrets"))
    own = {"label": [f"{NAMESPACE}={services.project}"]}
    for secret in daemon.ask(lambda: api.secrets(filters=own)):
        _removed(daemon, api.remove_secret, secret["ID"])
    for config in daemon.ask(lambda: api.configs(filters=own)):
        _removed(daemon, api.remove_config, config["ID"])


def _grace(service: Document) -> float:
    """Seconds that a task has to stop; by default the engine's ten."""
    container = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return float(container.get("StopGracePeriod", 1e10)) / 1e9


def _until_ended(containers: Containers, seconds: float) -> None:
    """Tasks end by themselves, in their services' time; those of jobs leave their containers.

    A task that is created while its service is removed may be forgotten by Swarm: its container
    runs on, and goes by force.
    """
    end = time.monotonic() + seconds
    while any(one["State"]["Running"] for one in containers.all()) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
    containers.remove([one["Id"] for one in containers.all()])


def _removed(daemon: Daemon, deed: Callable[[str], object], name: str) -> None:
    """What a task has let go of may be in use for a few seconds still."""
    for last in (False,) * 20 + (True,):
        try:
            with suppress(Gone):
                daemon.ask(lambda: deed(name))
            return
        except EngineError:
            if last:
                raise
            time.sleep(LOOK_SECONDS)
