"""Drive a deployment: from the claim to its end, in one process or in two.

The operations worker prepares, backs up and migrates. Then, in the installation that it belongs to
itself, a one-shot container of the new operations image takes over and replaces the services, the
operations worker last; elsewhere the worker goes on. Each state is written after its fact.

Races and interruptions, and why each is safe:

1. Two workers get the same message. Each claims the row by one UPDATE; the second gets WrongState.
   Two deployments of one environment cannot be unfinished at once: the database refuses the second.
2. The driver is slow, and its lease runs out. Whoever takes over writes its own claim (recovery.py)
   with one UPDATE that names the old one. The slow one learns of it at its next heartbeat, which
   comes immediately before each step that cannot be undone, and then touches neither row nor
   engine: it undoes nothing either, for the new replicas may be the other one's by then, but for
   those that it has made since, which the other one may not have seen.
3. The worker starts a driver, and dies, or believes that it did not start. The row names the driver
   that may take over; a second one of that name finds the name gone. One that comes after the lease
   finds that the deployment has ended.
4. Somebody cancels. The request is a column that each heartbeat reads, and that the last UPDATE
   excludes: either it is seen, or it comes after the end and is refused.
5. The driver is killed while the engine rolls. New replicas are left beside the old ones, which
   serve. Whoever takes over rolls back whatever does not run the earlier release.
6. The database is away. No heartbeat can be written: the roll is undone by the engine, the driver
   ends, and the row is taken over when the database is back.
"""

import logging
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils.timezone import now
from django.utils.translation import gettext as _

from opsconsole.deployments import (
    database,
    endings,
    holding,
    laying_out,
    migrate,
    prepare,
    releases,
    rollout,
    safety,
    soak,
    trusted,
)
from opsconsole.deployments.bundles import BundleError
from opsconsole.deployments.plan import LAST, plan
from opsconsole.deployments.progress import Cancelled, Overdue, Progress
from opsconsole.engines.base import Engine, EngineError
from opsconsole.environments import guards
from opsconsole.environments.engine import patient_engine_of
from opsconsole.environments.windows import refuse_in_window
from opsconsole.models import Deployment, Release
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.refusals import Busy, Refused

log = logging.getLogger(__name__)
Status = Deployment.Status
EXPECTED = (
    Refused,
    Busy,
    EngineError,
    BundleError,
    Cancelled,
    Overdue,
    OSError,
    prepare.PrepareError,
    safety.BackupFailed,
    migrate.MigrationFailed,
    soak.NotGood,
    rollout.NotHealthy,
)
"""What may go wrong without anything being wrong with this program; the message is the reason."""
DRIVES = ("python", "manage.py", "deploy", "--drive")


def start(deployment: Deployment, engine: Engine | None = None, **how: Any) -> None:
    """Claim a requested deployment and drive it; WrongState where another worker has it.

    An expected failure ends it with its reason and raises nothing. `how` is as in Progress.
    """
    deployment.claim(started_at=now(), since=now(), driver=myself())
    with deployment.in_its_language():
        try:
            trusted.refuse_foreign_deployment(deployment)
            engine = engine or patient_engine_of(deployment.environment)
        except (Refused, EngineError) as error:
            # A row that lies of its environment must not wait for ever, and others with it.
            endings.refuse(deployment, str(error))
            return
        Driver(deployment, engine, **how).drive()


def take_over(deployment: Deployment, engine: Engine, name: str, **how: Any) -> None:
    """Go on as the driver of that name, for which the row waits; WrongState where it does not."""
    waiting = Deployment.objects.filter(
        pk=deployment.pk, driver=name, status__in=Deployment.working_states()
    )
    claimed_at = now()
    if not waiting.update(claimed_at=claimed_at, driver=myself(name)):
        raise WrongState(_("%s does not wait for this driver") % deployment)
    deployment.refresh_from_db()
    with deployment.in_its_language():
        Driver(deployment, engine, is_apart=True, **how).go_on()


def myself(name: str = "") -> str:
    """This process, as the row names its driver."""
    return f"{name} on {socket.gethostname()}".strip()[:100]


class Driver:
    """One process that drives a deployment that it has claimed.

    `is_apart`: it is no operations worker of this installation, and can replace that.
    """

    def __init__(
        self, deployment: Deployment, engine: Engine, *, is_apart: bool = False, **how: Any
    ) -> None:
        self.deployment, self.engine = deployment, engine
        self.is_apart = is_apart or not deployment.environment.is_here
        self.progress = Progress(deployment, **how)
        self.watch = soak.Watch(engine, self.progress)

    def drive(self) -> None:
        """The whole story, from the claim on."""
        self.safely(self._drive)

    def go_on(self) -> None:
        """From where the row says that it is; what was undone halfway is undone further."""
        self.safely(self.proceed)

    def undo(self, reason: str) -> None:
        """Back to what ran before, or out of the way where nothing was replaced."""
        endings.undo(self, reason)

    def safely(self, story: Callable[[], None]) -> None:
        """Tell the story; where it fails as may be expected, go back and end with the reason."""
        try:
            story()
        except (WrongState, DatabaseError):
            # Another one drives, or nothing can be written: races 2 and 6.
            raise
        except EXPECTED as error:
            endings.undo(self, str(error), is_cancelled=isinstance(error, Cancelled))
        except Exception as error:
            endings.undo(self, _("unexpected: %s") % f"{type(error).__name__}: {error}")
            raise

    def to(self) -> Release:
        """The release that is on its way in."""
        release = self.deployment.to_release
        if release is None:
            raise prepare.PrepareError(_("its images were not prepared"))
        return release

    def _drive(self) -> None:
        deployment = self.deployment
        refuse_in_window(deployment.why)
        guards.refuse_while_removing(deployment.environment)
        # Only now that it is claimed: whoever asks for a restore sees that.
        guards.refuse_while_restoring(deployment.environment)
        if not deployment.environment.laid_out_at:
            laying_out.drive(self)
            return
        if deployment.environment.is_here and holding.left():
            # An earlier one has left it; nobody renews it any more while this one is driven.
            self.progress.hold()
        deployment.from_release = releases.record_running(
            deployment.environment, self.engine, driven=True
        )
        self.progress.beat(from_release=deployment.from_release)
        facts = prepare.prepare(deployment, self.engine, self.progress)
        database.look(self, facts)
        database.back_up(self)
        database.migrate(self)
        if self._is_mine_to_replace():
            self._roll_out()
        else:
            self.hand_over(self.to())

    def proceed(self) -> None:
        """From the state of the row."""
        status = self.deployment.status
        if status == Status.ROLLING_BACK:
            endings.undo(self, self.deployment.reason)
        elif self.is_judged():
            self._finish()
        elif status == Status.MIGRATING:
            self._roll_out()
        else:
            raise soak.NotGood(_("the deployment broke off before it was judged"))

    def is_judged(self) -> bool:
        """Whether all but the operations worker was rolled, watched and found good."""
        return self.deployment.status == Status.SOAKING and bool(self.deployment.verdict.get("ok"))

    def _is_mine_to_replace(self) -> bool:
        """Whether this process may roll everything: whoever replaces itself dies of it."""
        return self.is_apart or LAST not in rollout.replaced(self.deployment)

    def hand_over(self, release: Release) -> None:
        """Start a driver of that release, and let go; race 3.

        The claim stays as it is, as old as this heartbeat: the lease counts from here.
        """
        deployment = self.deployment
        name = f"deploy-{str(deployment.uid)[:8]}-{deployment.tries}"
        self.progress.begin(_("starting a driver of %s") % release.version)
        self.progress.beat(driver=name)
        # From here on the row is the other one's: nothing is written any more.
        argv = [*DRIVES, str(deployment.uid), "--as", name]
        self.engine.start_driver(name, argv, releases.version_on(self.engine, release))

    def _roll_out(self) -> None:
        deployment = self.deployment
        self.progress.end()
        if holding.is_wanted(deployment):
            self.progress.hold()
        self.watch.before(self.watch.replicas(soak.SERVED))
        self.progress.enter(Status.ROLLING)
        for service in self._services():
            rollout.settled(deployment.environment, service, self.progress)
            judge = self.watch.judge(service)
            rollout.forwards(self.engine, service, self.to(), self.progress, judge)
        self._soak([name for name in rollout.replaced(deployment) if name != LAST])
        self._finish()

    def _services(self) -> list[str]:
        """As the plan has them, also those of the same image: the settings may be others."""
        wanted = prepare.wanted(self.deployment, prepare.ours(self.engine))
        rolled = [deed.on for deed in plan(wanted, {}) if deed.what == "roll" and deed.on != LAST]
        return [name for name in rolled if name in self.to().images]

    def _soak(self, rolled: list[str]) -> None:
        self.progress.lift()
        self.progress.enter(Status.SOAKING)
        self.progress.begin(_("watching the new version"))
        self.watch.soak(rolled)
        self.progress.end(says=self.watch.verdict["says"])

    def _finish(self) -> None:
        """The operations worker last, and live only when all of it runs in health."""
        deployment = self.deployment
        if LAST in rollout.replaced(deployment):
            judge = self.watch.judge(LAST)
            rollout.forwards(self.engine, LAST, self.to(), self.progress, judge)
        rollout.healthy(self.engine, self.to(), self.progress)
        endings.live(self)


def lease() -> timedelta:
    """How long nothing may be heard of a driver before another one takes over."""
    return timedelta(seconds=settings.DEPLOY_LEASE_SECONDS)
