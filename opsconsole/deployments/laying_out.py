"""The first deployment of an added environment: everything is created from nothing.

Its images are prepared as for any other. Then the engine writes secrets, creates networks, volumes
and containers, and all of it becomes healthy; or what was made is removed again. Nothing that was
there before is ever used or removed:

1. Something of that name is there, as of another installation on this engine. Compose would take
   its volumes for this environment's own, and a failure would remove them: refused before anything
   is created.
2. The driver is killed meanwhile. The row says that it had begun, before anything is created: what
   is there then was made by it, and the next try removes it first.
"""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import endings, prepare, releases, safety
from opsconsole.deployments.progress import Progress
from opsconsole.engines.base import Engine, EngineError, Version
from opsconsole.environments.engine import variables_of
from opsconsole.models import Deployment, Environment, Event
from pmscoring.base.refusals import Refused

if TYPE_CHECKING:
    from opsconsole.deployments.driver import Driver

BEGUN = "laying_out"
"""In `Environment.seen`, when it was begun; nothing else is seen of it before it is laid out."""
Status = Deployment.Status


def drive(driver: "Driver") -> None:
    """Lay the environment out at the deployment's version; raises what ends the deployment."""
    deployment, engine, progress = driver.deployment, driver.engine, driver.progress
    progress.begin(_("preparing the images"))
    version = _prepared(deployment, engine, progress)
    progress.end()
    _skip(progress, Status.BACKING_UP, _("backing up the database"))
    progress.enter(Status.MIGRATING)
    facts = _laid_out(deployment, engine, version, progress)
    if deployment.to_release is None:
        prepare.record(deployment, version, facts)
    with transaction.atomic():
        environment = deployment.environment
        Environment.objects.filter(pk=environment.pk).update(laid_out_at=now(), seen={})
        Event.objects.record(
            "environment.laid_out", environment, safety.caller_of(deployment), version=version.tag
        )
    endings.live(driver)


def _prepared(deployment: Deployment, engine: Engine, progress: Progress) -> Version:
    """Every image is here before anything is created."""
    if deployment.to_release:
        releases.point(engine, deployment.to_release)
        return releases.version_of(deployment.to_release)
    images = prepare.fetch(deployment, engine, prepare.ours(engine), progress)
    variables = {**variables_of(deployment.environment), "VERSION": deployment.version}
    return Version(deployment.version, images, variables)


def _skip(progress: Progress, status: str, name: str) -> None:
    progress.enter(status)
    progress.begin(name)
    progress.end("skipped", _("there is nothing yet"))


def _laid_out(
    deployment: Deployment, engine: Engine, version: Version, progress: Progress
) -> dict[str, Any]:
    """The facts of what runs now; where it fails nothing is left."""
    progress.begin(_("laying out %s") % deployment.environment.code)
    begin(deployment.environment, engine, progress)
    try:
        engine.lay_out(version, progress.say, progress.alive)
        facts = prepare.ask(engine, version, progress)
    except Exception:
        _clear(deployment.environment, engine, progress)
        raise
    progress.end(says=_first_user(deployment.environment))
    return facts


def begin(environment: Environment, engine: Engine, progress: Progress) -> None:
    """Write that it has begun; raises Refused where something of its name is there already."""
    there = engine.remains()
    if there and BEGUN in environment.seen:
        progress.say(_("removing what an earlier attempt has left"))
        engine.remove(progress.say)
        there = engine.remains()
    if there:
        names = ", ".join(there[:5])
        raise Refused(
            _("on this engine there is something called so already, and it stays: %s") % names
        )
    _write(environment, {BEGUN: now().isoformat()})


def _clear(environment: Environment, engine: Engine, progress: Progress) -> None:
    """Remove what was made; what cannot be removed now is removed by the next try."""
    try:
        engine.remove(lambda text: None)
    except EngineError:
        return
    _write(environment, {})


def _write(environment: Environment, seen: dict[str, Any]) -> None:
    Environment.objects.filter(pk=environment.pk).update(seen=seen)
    environment.seen = seen


def _first_user(environment: Environment) -> str:
    """Its password is in no row; who may read a container's log on the host may have it."""
    container = f"{environment.project}-migrate-1"
    return _("it runs; the first user's password: docker logs %s on the host") % container
