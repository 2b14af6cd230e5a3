"""The verified backup before migrations, made in the environment that they change."""

from datetime import timedelta

from django.utils.translation import gettext as _

from opsconsole.backups import take
from opsconsole.deployments.prepare import last_document
from opsconsole.deployments.progress import Cancelled, Overdue, Progress
from opsconsole.engines.base import Engine
from opsconsole.models import Backup, Caller, Deployment, Event
from pmscoring.base.lifecycle import WrongState
from pmscoring.base.redaction import redacted
from pmscoring.base.refusals import Busy

PARTS = ["database", "configuration"]
"""What migrations change, and what says which version it belongs to."""
HOURS = 2.0
BUSY_SECONDS = 5.0


class BackupFailed(Exception):
    """There is no verified backup to go back to; nothing was migrated."""


def back_up(deployment: Deployment, engine: Engine, progress: Progress) -> None:
    """Make a verified backup of the environment's database; raises BackupFailed."""
    progress.begin(_("backing up the database"))
    if deployment.environment.is_here:
        _here(deployment, progress)
    else:
        _there(deployment, engine, progress)


def _here(deployment: Deployment, progress: Progress) -> None:
    """Another backup may be under way: this one waits for it."""
    note = _("before the deployment of %s") % deployment.version
    asked = {"caller": caller_of(deployment), "parts": PARTS, "note": note,
             "origin": Backup.Origin.SAFETY}  # fmt: skip
    heartbeat = _Heartbeat(progress)
    while True:
        try:
            backup = take.at_once(heartbeat, **asked)
            break
        except Busy as busy:
            progress.say(str(busy))
            progress.pause(BUSY_SECONDS)
        except _Stopped:
            break
    if heartbeat.error:
        raise heartbeat.error
    progress.beat(backup=backup)
    if backup.status != Backup.Status.STORED or not backup.verified_at:
        raise BackupFailed(_("the backup failed: %s") % (backup.reason or _("not verified")))
    progress.end(says=_("backup %s, verified") % backup.name)


class _Stopped(OSError):
    """Ends the backup as a failure of its own would, so that nobody takes it up again."""


class _Heartbeat:
    """The backup's progress is the deployment's heartbeat; `error` is what ended that."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.error: Exception | None = None

    def __call__(self, fraction: float, note: str) -> None:
        """Called by the backup every few seconds."""
        try:
            self.progress.alive()
        except (Cancelled, Overdue, WrongState) as error:
            self.error = error
            raise _Stopped(str(error)) from error


def _there(deployment: Deployment, engine: Engine, progress: Progress) -> None:
    """By the operations worker of the other environment, in its own backup folder."""
    argv = ["python", "manage.py", "backup", "--json", "--only", ",".join(PARTS), "--note",
            f"before the deployment of {deployment.version}"]  # fmt: skip
    finished = engine.run_once(
        "ops",
        argv,
        timeout=timedelta(hours=HOURS),
        say=lambda text: None,
        alive=progress.alive,
    )
    document = last_document(finished.output) or {}
    if finished.exit_code or not document.get("verified"):
        says = redacted(finished.output.strip()[-400:])
        raise BackupFailed(_("the backup failed: %s") % says)
    progress.end(says=_("backup %s, verified") % document.get("id", ""))


def caller_of(deployment: Deployment) -> Caller:
    """Who asked for the deployment, by which door and from where, as its event says."""
    events = Event.objects.filter(deed="deployment.requested", object_id=str(deployment.pk))
    event = events.order_by("number").last()
    return Caller(event.actor, event.source, event.address) if event else Caller()
