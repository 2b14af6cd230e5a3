"""The running installation, as its settings and its site describe it."""

from django.conf import settings

from opsconsole.environments import shape, variables
from opsconsole.models import Environment

PROJECT = "pmscoring"
"""The project of an installation that has no other name."""
IN_CONTAINERS = (Environment.Engine.COMPOSE, Environment.Engine.SWARM)


def in_containers() -> bool:
    """Whether an engine with containers runs it."""
    return settings.ENGINE in IN_CONTAINERS


def project() -> str:
    """The project of its containers."""
    return variables.effective("COMPOSE_PROJECT_NAME") or PROJECT


def overlays() -> list[str]:
    """Its overlays, in order."""
    return variables.of_site().get("OVERLAYS", "").split()


def profiles() -> list[str]:
    """Those of its parts that are not in every installation."""
    return variables.of_site().get("COMPOSE_PROFILES", "").replace(",", " ").split()


def subnet_prefix() -> str:
    """The first two numbers of its networks."""
    swarm = settings.ENGINE == Environment.Engine.SWARM
    return variables.effective("SWARM_SUBNET_PREFIX" if swarm else "SUBNET_PREFIX")


def ports() -> dict[str, int]:
    """What it publishes on this host, by the names of the variables, set or by default."""
    names = ["HAPROXY_PORT", *(name for each in overlays() for name in shape.of_overlay(each))]
    if "tls" in profiles():
        names += ["HTTP_PORT", "HTTPS_PORT"]
    return {name: int(variables.effective(name)) for name in names}
