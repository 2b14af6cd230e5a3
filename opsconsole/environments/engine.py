"""The engine of an environment: the one place that knows which it is, and how it is laid out."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsconsole.engines.base import Engine
from opsconsole.engines.compose import Compose
from opsconsole.engines.daemon import PATIENT_SECONDS
from opsconsole.engines.docker_engine import DockerEngine
from opsconsole.engines.layout import Layout
from opsconsole.engines.swarm import Swarm
from opsconsole.environments import shape, site, variables
from opsconsole.models import Environment, Installation, Release
from pmscoring.base.refusals import Refused


def _embedded(_environment: Environment) -> Engine:
    # Here, since the packages that it needs are not in the containers.
    from opsconsole.engines.embedded import Embedded

    return Embedded(Path(settings.VAR_DIR) / "run")


KINDS: dict[str, Callable[[Environment], Engine]] = {
    Environment.Engine.EMBEDDED: _embedded,
    Environment.Engine.COMPOSE: lambda environment: Compose(layout_of(environment)),
    Environment.Engine.SWARM: lambda environment: Swarm(layout_of(environment)),
}
"""How the engine of each kind is reached."""


def engine_of(environment: Environment) -> Engine:
    """The engine on which the environment is, or is to be; raises Refused for a row that lies."""
    if environment.engine not in KINDS or settings.ENGINE not in ("", environment.engine):
        raise Refused(_("%s is not the engine of this site") % environment.engine)
    return KINDS[environment.engine](environment)


def patient_engine_of(environment: Environment) -> Engine:
    """The same for who changes what runs there: up to 20 s for each answer of a busy engine.

    A deployment's lease outlasts two such questions.
    """
    engine = engine_of(environment)
    if isinstance(engine, DockerEngine):
        engine.daemon.patience = PATIENT_SECONDS
    return engine


def layout_of(environment: Environment) -> Layout:
    """What its engine is given; raises Refused where the row is none of ours.

    Files are those of this version, and relative paths in them are the host's.
    """
    own = variables_of(environment)
    return Layout(
        installation=str(Installation.objects.here().uid),
        project=site.project() if environment.is_here else environment.project,
        folder=variables.folder(),
        overlays=site.overlays() if environment.is_here else list(environment.overlays),
        profiles=profiles_of(environment),
        variables=own,
        directory=Path(settings.INSTALL_DIR) / "compose" if settings.INSTALL_DIR else None,
        logins=_logins(),
    )


def _logins() -> Path | None:
    """The folder of the registries' logins, where there are any."""
    folder = Path(settings.DOCKER_CONFIG)
    return folder if settings.DOCKER_CONFIG and (folder / "config.json").is_file() else None


def variables_of(environment: Environment) -> dict[str, str]:
    """What Compose fills its files in with; raises Refused where the row is none of ours.

    The running installation's are those of its site. An added environment has the site's registry,
    folders and groups, and its own version, name, networks, ports, secrets and settings.
    """
    of_site = variables.of_site()
    if environment.is_here:
        return of_site
    shape.refuse_nonsense(environment)
    if environment.project == site.project():
        raise Refused(_("%s is the running installation's project") % environment.project)
    shared = {name: of_site[name] for name in variables.OF_THE_HOST if name in of_site}
    return {
        **shared,
        **_version_of(environment.release),
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


def _version_of(release: Release | None) -> dict[str, str]:
    """Of what runs there; the site's while nothing does, or nothing that has a tag."""
    is_tag = release is not None and shape.TAG.fullmatch(release.version)
    return {"VERSION": release.version} if release and is_tag else {}


def profiles_of(environment: Environment) -> list[str]:
    """The parts that are not in every installation; nginx is where it has ports."""
    if environment.is_here:
        return site.profiles()
    return ["tls", "ops"] if "HTTPS_PORT" in environment.ports else ["ops"]


def place_of_secrets(environment: Environment) -> str:
    """The folder of an added environment's secrets inside that of the running installation."""
    return f"environments/{environment.code}"
