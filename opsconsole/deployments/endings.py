"""How a deployment ends: live, rolled back, cancelled or failed; each written after its fact."""

from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import holding, migrate, prepare, rollout
from opsconsole.deployments.progress import Overdue
from opsconsole.engines.base import EngineError
from opsconsole.environments import pruning
from opsconsole.models import Caller, Deployment, Environment, Event
from opsconsole.models.events import SYSTEM
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Refused

if TYPE_CHECKING:
    from opsconsole.deployments.driver import Driver

Status = Deployment.Status
UNTOUCHED = (Status.PREPARING, Status.BACKING_UP, Status.MIGRATING)
"""The states in which no container was replaced yet."""
DEEDS = {
    Status.ROLLED_BACK: "deployment.rolled_back",
    Status.CANCELLED: "deployment.cancelled",
    Status.FAILED: "deployment.failed",
}
CANNOT_GO_BACK = (
    EngineError,
    Overdue,
    Refused,
    rollout.NotHealthy,
    migrate.MigrationFailed,
    prepare.PrepareError,
    OSError,
)


def live(driver: "Driver") -> None:
    """All of the release runs in health: the environment has it."""
    deployment = driver.deployment
    failed = _failed_requests(driver)
    try:
        _live(deployment, failed)
    except WrongState:
        # Either somebody has asked to cancel it since the last look, or another one drives it.
        driver.progress.look()
        raise
    driver.progress.lift()
    pruning.after_deployment(deployment.environment, driver.engine, reason=deployment.why)


def _live(deployment: Deployment, failed: int | None) -> None:
    with deployment.all_or_none():
        deployment.finish(failed_requests=failed, fraction=1.0)
        Environment.objects.filter(pk=deployment.environment_id).update(
            release=deployment.to_release
        )
        Event.objects.record("deployment.live", deployment, SYSTEM, **_outcome(deployment))


def refuse(deployment: Deployment, reason: str) -> None:
    """End a deployment that cannot even begin."""
    with deployment.all_or_none():
        deployment.end(Status.FAILED, redacted(reason))
        outcome = _outcome(deployment)
        Event.objects.record("deployment.failed", deployment, SYSTEM, result="failed", **outcome)


def undo(driver: "Driver", reason: str, *, is_cancelled: bool = False) -> None:
    """Go back, and end with the reason: that is what went wrong, not what undid it.

    WrongState and DatabaseError are raised: then another one undoes it.
    """
    progress, deployment = driver.progress, driver.deployment
    progress.undoing = True
    if holding.is_wanted(deployment) and (deployment.migrations or not deployment.maintenance):
        # Also where another driver had begun: old code must not meet what it cannot live with.
        progress.hold()
    reason = redacted(reason)
    progress.end("failed", reason)
    try:
        if deployment.status in UNTOUCHED:
            progress.beat(since=now())
            _take_back_migrations(driver)
            status = Status.CANCELLED if is_cancelled or deployment.cancel_at else Status.FAILED
        else:
            _roll_back(driver, reason)
            status = Status.ROLLED_BACK
    except (WrongState, DatabaseError):
        raise
    except Exception as error:
        status = Status.FAILED
        words = {"reason": reason, "error": redacted(str(error))}
        reason = _going_back_failed(deployment) % words
        if not isinstance(error, CANNOT_GO_BACK):
            _end(driver, status, reason)
            raise
    _end(driver, status, reason)


def _going_back_failed(deployment: Deployment) -> str:
    if deployment.migrations.get("stuck") and deployment.environment.is_here:
        return _(
            "%(reason)s — and going back failed, so the maintenance page stays until a restore"
            " or another deployment: %(error)s"
        )
    return _("%(reason)s — and going back failed: %(error)s")


def _take_back_migrations(driver: "Driver") -> None:
    """The row says where it failed: then what runs cannot work with the database (holding.py)."""
    try:
        migrate.undo(driver.deployment, driver.engine, driver.progress)
    except (WrongState, DatabaseError):
        raise
    except Exception:
        _mark(driver, is_stuck=True)
        raise
    _mark(driver, is_stuck=False)


def _mark(driver: "Driver", *, is_stuck: bool) -> None:
    kept = driver.deployment.migrations
    if bool(kept.get("stuck")) != is_stuck:
        driver.progress.beat(migrations={**kept, "stuck": is_stuck})


def _roll_back(driver: "Driver", reason: str) -> None:
    deployment, progress = driver.deployment, driver.progress
    if deployment.status != Status.ROLLING_BACK:
        progress.enter(Status.ROLLING_BACK)
        progress.beat(reason=reason[:500])
    release = deployment.from_release
    if release is None:
        raise rollout.NotHealthy(_("nothing ran before that could be gone back to"))
    _take_back_migrations(driver)
    rollout.backwards(driver.engine, release, progress)


def _end(driver: "Driver", status: str, reason: str) -> None:
    deployment, progress = driver.deployment, driver.progress
    progress.end("failed" if status == Status.FAILED else "done")
    failed = _failed_requests(driver)
    caller = Caller(deployment.cancelled_by) if status == Status.CANCELLED else SYSTEM
    with deployment.all_or_none():
        deployment.end(status, reason, failed_requests=failed)
        outcome = _outcome(deployment)
        Event.objects.record(DEEDS[Status(status)], deployment, caller, result="failed", **outcome)
    # Where this one, or one before it, has left what nothing can work with, the page stays.
    if not (deployment.environment.is_here and holding.left()):
        progress.lift()


def _failed_requests(driver: "Driver") -> int | None:
    """Of the whole deployment, counted from the balancer's lines; None where nobody can tell."""
    began = driver.deployment.started_at
    return driver.watch.failed_requests(began) if began else None


def _outcome(deployment: Deployment) -> dict[str, Any]:
    ended = deployment.finished_at or now()
    seconds = (ended - deployment.started_at).total_seconds() if deployment.started_at else None
    return {
        "environment": deployment.environment.code,
        "version": deployment.version,
        "seconds": deployment.seconds if deployment.seconds is not None else seconds,
        "failed_requests": deployment.failed_requests,
        "reason": deployment.reason,
    }
