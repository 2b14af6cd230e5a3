"""What a deployment will do, as data: a dry run prints it, and the driver does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.models import Deployment

PARTS = {
    "inference": "inference",
    "worker": "app",
    "web": "app",
    "beat": "app",
    "migrate": "app",
    "ops": "ops",
}
"""Our services, and which of our images each one runs."""
ORDER = ("inference", "worker", "web", "beat")
"""Who is asked comes before who asks, so that a new one never calls an older one than it knows."""
LAST = "ops"
"""After the soak: until then an operations worker of the old version could undo everything."""
DEFAULT_REGISTRY = "pmscoring.local"
"""What our images are named after where they were built on the engine's host."""
Status = Deployment.Status


@dataclass(frozen=True)
class Deed:
    """One deed of a plan: in which state, what, on which image or service, and as which lines."""

    state: str
    what: str
    on: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed, as a plan needs it. `services` are ours that the environment has."""

    source: str
    tag: str
    registry: str
    services: Sequence[str]
    bundle: str = ""
    maintenance: bool = False
    soak_seconds: int = 60


def reference(registry: str, part: str, tag: str) -> str:
    """The name of one of our images."""
    return f"{registry}/pm-scoring-{part}:{tag}"


def references(wanted: Wanted) -> dict[str, str]:
    """The image of each service, and of the one-off that migrates."""
    names = (*wanted.services, "migrate", LAST)
    return {name: reference(wanted.registry, PARTS[name], wanted.tag) for name in names}


def rolled(services: Sequence[str]) -> list[str]:
    """Our services among these, in the order in which they are rolled, but the last one."""
    return [name for name in ORDER if name in services]


def plan(wanted: Wanted, commands: Mapping[str, Sequence[Sequence[str]]]) -> list[Deed]:
    """All deeds, in order. `commands` is what the engine runs to roll each service."""
    deeds = [*_preparing(wanted)]
    if wanted.maintenance:
        deeds.append(Deed(Status.BACKING_UP, "hold", lines=(_("show the maintenance page"),)))
    deeds += [
        Deed(
            Status.BACKING_UP,
            "back up",
            lines=(_("back up the database and verify it, if there are migrations to apply"),),
        ),
        Deed(
            Status.MIGRATING,
            "migrate",
            "migrate",
            (_("python manage.py migrate --noinput, in the new image, if there are any"),),
        ),
    ]
    deeds += [_roll(Status.ROLLING, name, commands) for name in rolled(wanted.services)]
    if wanted.maintenance:
        deeds.append(Deed(Status.SOAKING, "lift", lines=(_("end the maintenance page"),)))
    watch = _("watch the new containers for %d s") % wanted.soak_seconds
    deeds.append(Deed(Status.SOAKING, "soak", lines=(watch,)))
    if LAST in wanted.services:
        deeds.append(_roll(Status.SOAKING, LAST, commands))
    return deeds


def from_nothing(wanted: Wanted, project: str) -> list[Deed]:
    """The deeds of the first deployment of an added environment."""
    create = _("create networks, volumes, secrets and containers of %s, or leave nothing")
    return [*_preparing(wanted), Deed(Status.MIGRATING, "lay out", project, (create % project,))]


def _preparing(wanted: Wanted) -> list[Deed]:
    images = sorted(set(references(wanted).values()))
    if wanted.source == Deployment.Source.BUNDLE:
        load = _("load %s, after a look at its checksums") % wanted.bundle
        return [Deed(Status.PREPARING, "load", wanted.bundle, (load,))]
    if wanted.source == Deployment.Source.REGISTRY:
        return [Deed(Status.PREPARING, "pull", name, (f"docker pull {name}",)) for name in images]
    take = _("take %s as it is on the engine")
    return [Deed(Status.PREPARING, "take", name, (take % name,)) for name in images]


def _roll(state: str, service: str, commands: Mapping[str, Sequence[Sequence[str]]]) -> Deed:
    lines = tuple(" ".join(argv) for argv in commands.get(service, ()))
    return Deed(state, "roll", service, lines)


def printed(deeds: Sequence[Deed], recreates: Sequence[str]) -> dict[str, Any]:
    """The document of a dry run."""
    return {
        "plan": [line for deed in deeds for line in deed.lines],
        "recreates": list(recreates),
    }
