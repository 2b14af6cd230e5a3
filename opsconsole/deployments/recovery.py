"""Deployments whose driver has gone quiet: another one takes over, and finishes or undoes them.

Two workers take over at once: each names in its UPDATE the heartbeat that it saw last. The second
UPDATE waits for the first one and then matches no row. A heartbeat of the driver that comes between
the look and the UPDATE is seen in the same way: it was alive.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import migrate, rollout
from opsconsole.deployments.driver import Driver, lease, myself
from opsconsole.deployments.endings import UNTOUCHED
from opsconsole.deployments.plan import LAST
from opsconsole.engines.base import Engine, EngineError
from opsconsole.models import Caller, Deployment, Event
from opsconsole.models.events import SYSTEM
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Refused

Status = Deployment.Status
BROKEN = datetime(2000, 1, 1, tzinfo=now().tzinfo)
"""The heartbeat of a lock that a person broke: no driver's own, and long past."""


def stalled(at: datetime | None = None) -> list[Deployment]:
    """Those whose lease has run out."""
    return list(Deployment.objects.stalled(lease(), at).select_related("environment"))


def recover(deployment: Deployment, engine: Engine, **how: Any) -> None:
    """Take a stalled deployment over; WrongState where its driver lives, or another one has it.

    Raises EngineError where the engine does not even say what runs: the lease runs out again, and
    the next one looks again, until the state's deadline.
    """
    broken = deployment.claimed_at == BROKEN
    _claim(deployment)
    with deployment.in_its_language():
        driver, reason = Driver(deployment, engine, **how), _reason(deployment, broken=broken)
        _end_migrations(driver)
        if deployment.status in UNTOUCHED or deployment.is_overdue():
            driver.undo(reason)
        elif _replaces_itself(driver):
            try:
                _through_another(driver, reason)
            except Refused as error:
                driver.undo(str(error))
        elif driver.is_judged() or deployment.status == Status.ROLLING_BACK:
            driver.go_on()
        else:
            driver.undo(reason)


def _end_migrations(driver: Driver) -> None:
    """A killed worker's one-off goes on, and would change the database after it was looked at."""
    if not driver.deployment.migrations.get("begun"):
        return
    try:
        driver.engine.end_commands(migrate.SERVICE)
    except EngineError:
        if not driver.deployment.is_overdue():
            raise


def _claim(deployment: Deployment) -> None:
    """The event is written with the claim: both or none."""
    before = deployment.claimed_at
    late = before is not None and before < now() - lease()
    rows = Deployment.objects.filter(
        pk=deployment.pk, claimed_at=before, status__in=Deployment.working_states()
    )
    with transaction.atomic():
        if not late or not rows.update(claimed_at=now(), driver=myself(), tries=F("tries") + 1):
            raise WrongState(_("%s is driven by another one") % deployment)
        deployment.refresh_from_db()
        state = deployment.get_status_display()
        Event.objects.record("deployment.taken_over", deployment, SYSTEM, state=str(state))


def _reason(deployment: Deployment, *, broken: bool) -> str:
    if broken:
        return _("its lock was broken in the state “%s”") % deployment.get_status_display()
    return _("its driver was not heard of any more in the state “%s”") % (
        deployment.get_status_display()
    )


def _replaces_itself(driver: Driver) -> bool:
    """Whether finishing or undoing replaces the operations worker, which this process is."""
    if driver.is_apart:
        return False
    release = _goal(driver)
    return release is not None and LAST in rollout.changed(driver.engine, release)


def _goal(driver: Driver) -> Any:
    deployment = driver.deployment
    return deployment.to_release if driver.is_judged() else deployment.from_release


def _through_another(driver: Driver, reason: str) -> None:
    """By a driver in a container of its own, of the release that is to run in the end."""
    deployment = driver.deployment
    if not driver.is_judged() and deployment.status != Status.ROLLING_BACK:
        driver.progress.undoing = True
        driver.progress.enter(Status.ROLLING_BACK)
        driver.progress.beat(reason=reason)
    driver.hand_over(_goal(driver))


def break_lock(deployment: Deployment, *, caller: Caller, reason: str) -> None:
    """Let an operations worker take over at once, whatever the driver does; raises Refused.

    The driver, if it lives, learns of it at its next heartbeat and touches nothing any more.
    """
    if not reason.strip():
        raise Refused(_("breaking a lock needs a reason"))
    with transaction.atomic():
        rows = Deployment.objects.filter(pk=deployment.pk, status__in=Deployment.working_states())
        if not rows.update(claimed_at=BROKEN):
            raise Refused(_("nobody drives this deployment"))
        deployment.refresh_from_db()
        Event.objects.record("deployment.lock_broken", deployment, caller, why=reason[:200])
