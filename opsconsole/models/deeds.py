"""The vocabulary of events: the code of each deed, its name, and who is told of it."""

from dataclasses import dataclass
from enum import Enum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Told(Enum):
    """Whether channels are told of a deed."""

    NEVER = "never"
    ASKED = "asked"
    """A success: told where the channel, or the plan of the backup, asks for successes."""
    ALWAYS = "always"
    """What a person must look at."""
    ITSELF = "itself"
    """The channel on which it is done is told, and no other."""


@dataclass(frozen=True)
class Deed:
    """A word of the vocabulary; `code` is `<kind of object>.<what happened to it>`."""

    code: str
    name: Promise
    told: Told = Told.NEVER


DEEDS: dict[str, Deed] = {
    deed.code: deed
    for deed in (
        Deed("backup.requested", _("backup requested")),
        Deed("backup.stored", _("backup made"), Told.ASKED),
        Deed("backup.failed", _("backup failed"), Told.ALWAYS),
        Deed("backup.verified", _("backup verified")),
        Deed("backup.verification_failed", _("verification failed"), Told.ALWAYS),
        Deed("backup.held", _("backup held")),
        Deed("backup.released", _("backup no longer held")),
        Deed("backup.removed", _("backup removed")),
        Deed("backup.downloaded", _("backup downloaded")),
        Deed("backup.uploaded", _("backup uploaded")),
        Deed("backup.found", _("backup found in a store")),
        Deed("plan.overdue", _("backup overdue"), Told.ALWAYS),
        Deed("plan.changed", _("backup plan changed")),
        Deed("restore.requested", _("restore requested")),
        Deed("restore.done", _("restore done"), Told.ASKED),
        Deed("restore.failed", _("restore failed"), Told.ALWAYS),
        Deed("restore.undone", _("restore undone"), Told.ALWAYS),
        Deed("restore.here", _("restored here")),
        Deed("restore.tables", _("tables restored beside the live ones")),
        Deed("restore.cloned", _("scrubbed copy made")),
        Deed("previous.dropped", _("previous database dropped")),
        Deed("channel.changed", _("channel changed")),
        Deed("channel.test_requested", _("test of this channel"), Told.ITSELF),
        Deed("channel.tested", _("channel tested")),
        Deed("events.exported", _("events exported")),
        Deed("environment.entered", _("this installation entered")),
        Deed("environment.added", _("environment added")),
        Deed("environment.changed", _("environment changed")),
        Deed("environment.laid_out", _("environment laid out")),
        Deed("environment.removed", _("environment removed"), Told.ASKED),
        Deed("environment.away", _("engine does not answer"), Told.ALWAYS),
        Deed("environment.back", _("engine answers again")),
        Deed("service.scaled", _("service scaled")),
        Deed("replica.restarted", _("replica restarted")),
        Deed("replica.logs_read", _("logs read")),
        Deed("command.run", _("command run")),
        Deed("operation.requested", _("operation requested")),
        Deed("operation.failed", _("operation failed")),
        Deed("images.pruned", _("old images removed")),
        Deed("deployment.planned", _("deployment planned")),
        Deed("deployment.requested", _("deployment requested")),
        Deed("deployment.approved", _("deployment approved")),
        Deed("deployment.cancel_requested", _("cancelling of a deployment requested")),
        Deed("deployment.live", _("deployment live"), Told.ALWAYS),
        Deed("deployment.failed", _("deployment failed"), Told.ALWAYS),
        Deed("deployment.rolled_back", _("deployment rolled back"), Told.ALWAYS),
        Deed("deployment.cancelled", _("deployment cancelled"), Told.ALWAYS),
        Deed("deployment.taken_over", _("deployment taken over from a dead driver"), Told.ALWAYS),
        Deed("deployment.lock_broken", _("lock broken"), Told.ALWAYS),
        Deed("heal.restarted", _("unhealthy replica restarted"), Told.ALWAYS),
        Deed("heal.recovered", _("replica healthy again"), Told.ASKED),
        Deed("heal.failed", _("healing failed"), Told.ALWAYS),
        Deed("heal.given_up", _("healing given up"), Told.ALWAYS),
        Deed("secret.rotated", _("secret rotated"), Told.ALWAYS),
        Deed("secret.rotation_failed", _("rotation of a secret failed"), Told.ALWAYS),
        Deed("window.changed", _("exam window changed")),
        Deed("policy.changed", _("scaling policy changed")),
        Deed("policy.paused", _("scaling policy paused")),
        Deed("policy.resumed", _("scaling policy resumed")),
        Deed("policy.pause_ends", _("pause of a scaling policy ends soon"), Told.ALWAYS),
        Deed("scaling.done", _("scaled by its policy"), Told.ASKED),
        Deed("scaling.failed", _("scaling by the policy failed"), Told.ALWAYS),
        Deed("scaling.holds", _("scaling holds"), Told.ALWAYS),
        Deed("scaling.goes_on", _("scaling goes on"), Told.ASKED),
    )
}
"""By code. An event of another deed is refused."""


DETAILS: dict[str, Promise] = {
    "after_bytes": _("bytes of all images afterwards"),
    "backup": _("backup"),
    "before_bytes": _("bytes of all images before"),
    "bytes": _("bytes"),
    "change": _("change"),
    "changed": _("what was changed"),
    "complete": _("restored and compared"),
    "database": _("database"),
    "did": _("what was done"),
    "environment": _("environment"),
    "exam": _("exam"),
    "exit_code": _("exit status"),
    "failed_requests": _("failed requests"),
    "follows": _("follows the exam's own dates"),
    "from": _("before"),
    "ends": _("ends"),
    "kept_by": _("kept by the store"),
    "maintenance": _("behind the maintenance page"),
    "needs_approval": _("needs approval"),
    "note": _("note"),
    "parts": _("parts"),
    "plan": _("plan"),
    "reason": _("reason"),
    "releases_kept": _("releases whose images stay"),
    "replica": _("replica"),
    "safety": _("safety backup"),
    "seconds": _("seconds"),
    "seen": _("what was seen"),
    "service": _("service"),
    "services": _("services"),
    "source_of_images": _("where the images come from"),
    "state": _("state"),
    "starts": _("starts"),
    "store": _("store"),
    "stores": _("stores"),
    "tables": _("tables"),
    "to": _("afterwards"),
    "verified": _("verified"),
    "version": _("version"),
    "why": _("reason"),
}
"""What people read for the details of an event; the other details are shown by their keys."""


def detail_name(key: str) -> str:
    """The detail's name in the active language."""
    return str(DETAILS.get(key, key))


def name_of(code: str) -> str:
    """The deed's name in the active language; its code, where a later version recorded it."""
    return str(DEEDS[code].name) if code in DEEDS else code


def told(*wanted: Told) -> tuple[str, ...]:
    """The codes of the deeds that are told so."""
    return tuple(deed.code for deed in DEEDS.values() if deed.told in wanted)
