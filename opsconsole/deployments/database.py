"""What a deployment does to the database, before any container: looked at, saved, migrated."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from opsconsole.deployments import migrate as migrating
from opsconsole.deployments import migrations, prepare, releases, safety
from opsconsole.models import Deployment
from pmscoring.base import hold
from pmscoring.base.refusals import Refused

if TYPE_CHECKING:
    from opsconsole.deployments.driver import Driver

HELD_SECONDS = 1.0
"""Until every process has seen that it is held (pmscoring/base/hold.py)."""
Status = Deployment.Status


def look(driver: "Driver", facts: dict[str, Any]) -> None:
    """Keep what the migrations mean; raises Refused where old code could not live with them."""
    missing, back = facts["missing"], []
    migrations.refuse_dangerous(missing, maintenance=driver.deployment.maintenance)
    if facts["ahead"]:
        back = _way_back(driver, facts)
    kept = {"missing": missing, "back": back, "applied": facts["applied"]}
    driver.progress.beat(migrations=kept)


def _way_back(driver: "Driver", facts: dict[str, Any]) -> list[Any]:
    """The database is ahead of an earlier version: only the code that runs knows by what."""
    lasts = migrations.last_names(facts["migrations"])
    current = prepare.ask(driver.engine, None, driver.progress, back_to=lasts)
    maintenance = driver.deployment.maintenance
    return migrations.refuse_no_way_back(current["back"], maintenance=maintenance)


def back_up(driver: "Driver") -> None:
    """A verified backup, where there is something to migrate.

    The maintenance page is shown before it, so that whoever restores it loses nothing.
    """
    progress = driver.progress
    progress.enter(Status.BACKING_UP)
    if driver.deployment.maintenance:
        _hold(driver)
    if _is_changed(driver.deployment):
        safety.back_up(driver.deployment, driver.engine, progress)
    else:
        progress.begin(_("backing up the database"))
        progress.end("skipped", _("there is nothing to migrate"))


def _hold(driver: "Driver") -> None:
    if not driver.deployment.environment.is_here:
        raise Refused(_("the maintenance page can be shown in this installation alone"))
    driver.progress.hold()
    driver.progress.pause(HELD_SECONDS)
    _refuse_unless_held()


def _refuse_unless_held() -> None:
    """Raise Refused where the page is not shown: the cache, which tells of it, may be away."""
    hold.forget()
    if not hold.is_held():
        raise Refused(_("the maintenance page cannot be shown: the cache does not answer"))


def _is_changed(deployment: Deployment) -> bool:
    return bool(deployment.migrations.get("missing") or deployment.migrations.get("back"))


def migrate(driver: "Driver") -> None:
    """Forwards in the new version's image, or back in that which runs."""
    deployment, engine, progress = driver.deployment, driver.engine, driver.progress
    progress.enter(Status.MIGRATING)
    if deployment.maintenance:
        # Once more: the backup before it may have taken hours.
        _refuse_unless_held()
    version = releases.version_of(driver.to())
    if deployment.migrations["missing"]:
        migrating.forwards(deployment, engine, version, progress)
    if back := deployment.migrations["back"]:
        progress.beat(migrations={**deployment.migrations, "begun": True})
        stays = _without(deployment.migrations["applied"], back)
        migrating.backwards(migrations.targets(back, stays), engine, None, progress)


def _without(applied: dict[str, list[str]], back: list[Any]) -> dict[str, list[str]]:
    gone = {(each["app"], each["name"]) for each in back}
    return {
        app: [name for name in names if (app, name) not in gone] for app, names in applied.items()
    }
