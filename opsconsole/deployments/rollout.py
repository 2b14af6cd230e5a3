"""Rolling services from one release to another, and whether one is what runs, in health."""

from collections.abc import Callable, Iterable, Sequence

from django.utils.translation import gettext as _

from opsconsole.deployments import releases
from opsconsole.deployments.plan import LAST, ORDER
from opsconsole.deployments.progress import Progress
from opsconsole.engines.base import Engine, EngineAway, EngineError, Health, Replica, Service, State
from opsconsole.environments import one_at_a_time
from opsconsole.models import Deployment, Environment, Release

HEALTH_LOOKS, HEALTH_SECONDS = 45, 2.0
"""How often, and after how many seconds, health is looked at until all is healthy."""
TRIES, AGAIN_SECONDS = 5, 5.0
"""How often rolling back is tried, and after what pause it is tried again."""


class NotHealthy(Exception):
    """What runs is not the release, or not in health; in words."""


def nobody_judges(new: Sequence[Replica], old: Sequence[Replica]) -> None:
    """On the way back health is enough: what serves beside it is worse."""


def settled(environment: Environment, service: str, progress: Progress) -> None:
    """Wait until nobody scales the service.

    A replica that drains still runs: the roll would put a new one in its place. Nobody begins to
    scale while a deployment is under way, so that it is enough to wait for whoever began before.
    """
    while one_at_a_time.is_scaled(environment, service):
        progress.pause(AGAIN_SECONDS)
        progress.look()


def forwards(
    engine: Engine,
    service: str,
    release: Release,
    progress: Progress,
    judge: Callable[[Sequence[Replica], Sequence[Replica]], None],
) -> None:
    """Roll one service; raises RollFailed, EngineError, and what the judge raises."""
    progress.begin(_("rolling out %s") % service)
    version = releases.version_on(engine, release)
    engine.roll(service, version, judge=judge, alive=progress.surely_alive)
    progress.end(says=_("%s runs the new version") % service)


def backwards(engine: Engine, release: Release, progress: Progress) -> None:
    """Roll back whatever does not run the release, the last rolled first.

    It is begun anew after a fault: while the engine is away until the deadline, after any other
    one so often as TRIES says. What killed drivers have left counts as what does not run the
    release, and goes.
    """
    faults = 0
    while True:
        try:
            return _back(engine, release, progress)
        except (EngineError, NotHealthy) as error:
            faults += not isinstance(error, EngineAway)
            if faults >= TRIES:
                raise
            progress.end("failed", str(error))
            progress.pause(AGAIN_SECONDS)
            progress.look()


def _back(engine: Engine, release: Release, progress: Progress) -> None:
    releases.point(engine, release)
    version = releases.version_on(engine, release)
    for service in reversed(changed(engine, release)):
        progress.begin(_("rolling back %s") % service)
        engine.roll(service, version, judge=nobody_judges, alive=progress.surely_alive)
        progress.end()
    healthy(engine, release, progress)


def changed(engine: Engine, release: Release) -> list[str]:
    """Our services that do not run the release, in the order of a roll; the last one included."""
    services = {service.name: service for service in engine.services()}
    return [
        name for name in (*ORDER, LAST)
        if name in services and name in release.images and not _runs(services[name], release)
    ]  # fmt: skip


def _runs(service: Service, release: Release) -> bool:
    """Every replica that is there, and as many as there should be; nothing is left of another."""
    digest = release.images[service.name]["digest"]
    there = [replica.digest for replica in service.replicas if replica.state is not State.STOPPED]
    return all(each == digest for each in there) and len(there) >= service.wanted


def healthy(engine: Engine, release: Release, progress: Progress) -> None:
    """Wait until all our services run the release in health; raises NotHealthy."""
    for looks_left in reversed(range(HEALTH_LOOKS)):
        trouble = unhealthy(engine.services(), release)
        if not trouble:
            return
        if not looks_left:
            raise NotHealthy(trouble)
        progress.pause(HEALTH_SECONDS)


def unhealthy(services: Iterable[Service], release: Release) -> str:
    """What is wrong with our services, in words; empty where all run the release in health."""
    return "; ".join(
        trouble for service in services
        if service.name in release.images and service.wanted
        for trouble in _troubles(service, release)
    )  # fmt: skip


def _troubles(service: Service, release: Release) -> Iterable[str]:
    if not _runs(service, release):
        yield _("%s does not run the release alone") % service.name
    for replica in service.replicas:
        if replica.state is not State.STOPPED and replica.health is not Health.HEALTHY:
            words = {"name": replica.name, "health": replica.health, "says": replica.health_says}
            yield _("%(name)s is %(health)s %(says)s") % words


def replaced(deployment: Deployment) -> list[str]:
    """The services whose image the deployment changes, in the order of a roll."""
    new, old = deployment.to_release, deployment.from_release
    if new is None or old is None:
        return []
    return [
        name for name in (*ORDER, LAST)
        if name in old.images and name in new.images
        and old.images[name]["digest"] != new.images[name]["digest"]
    ]  # fmt: skip
