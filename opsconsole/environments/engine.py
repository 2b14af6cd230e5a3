"""The engine of an environment: the one place that knows which it is, and how it is laid out."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine, NotSupported
from opsconsole.environments import shape, site, variables
from opsconsole.models import Environment


def _yet_to_come(environment: Environment) -> Engine:
    raise NotSupported(_("%s cannot be reached yet") % environment.get_engine_display())


KINDS: dict[str, Callable[[Environment], Engine]] = dict.fromkeys(
    Environment.Engine.values, _yet_to_come
)
"""How the engine of each kind is reached."""


def engine_of(environment: Environment) -> Engine:
    """The engine on which the environment is, or is to be; raises Refused for a row that lies."""
    return KINDS[environment.engine](environment)


def variables_of(environment: Environment) -> dict[str, str]:
    """What Compose fills its files in with; raises Refused where the row is none of ours.

    The running installation's are those of its site. An added environment has the site's images,
    folders and groups, and its own name, networks, ports, secrets and settings.
    """
    of_site = variables.of_site()
    if environment.is_here:
        return of_site
    shape.refuse_nonsense(environment)
    shared = {name: of_site[name] for name in variables.OF_THE_HOST if name in of_site}
    return {
        **shared,
        **variables.checked(environment.variables),
        **{name: str(number) for name, number in environment.ports.items()},
        "ENVIRONMENT": environment.kind,
        "COMPOSE_PROJECT_NAME": environment.project,
        "COMPOSE_PROFILES": ",".join(profiles_of(environment)),
        "OVERLAYS": " ".join(environment.overlays),
        "SUBNET_PREFIX": environment.subnet_prefix,
        "SWARM_SUBNET_PREFIX": environment.subnet_prefix,
        "SECRETS_DIR": f"{variables.effective('SECRETS_DIR')}/{place_of_secrets(environment)}",
    }


def profiles_of(environment: Environment) -> list[str]:
    """The parts that are not in every installation; nginx is where it has ports."""
    if environment.is_here:
        return site.profiles()
    return ["tls", "ops"] if "HTTPS_PORT" in environment.ports else ["ops"]


def place_of_secrets(environment: Environment) -> str:
    """The folder of an added environment's secrets inside that of the running installation."""
    return f"environments/{environment.code}"
