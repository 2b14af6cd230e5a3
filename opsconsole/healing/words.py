"""What was seen of a sick replica, in the check's and the engine's own words."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from opsconsole.engines.base import Happening, Replica
from opsconsole.healing.decide import Decision, Sickness
from pmscoring.base.redaction import redacted

LONGEST = 500
TELLING = ("died", "out of memory")
"""What the engine records that says something of a sickness."""


def seen_of(decision: Decision, happened: Iterable[Happening] = ()) -> str:
    """One line; `happened` is what the engine recorded of the replica of late."""
    replica = decision.replica
    parts = [_sick(replica, decision.sickness)]
    if replica.exit_code:
        parts.append(_("exit status %d") % replica.exit_code)
    parts += dict.fromkeys(
        " ".join(filter(None, (each.what, each.says)))
        for each in happened
        if each.what in TELLING
        if each.replica in (replica.id, replica.name)
    )
    return redacted("; ".join(parts))[:LONGEST]


def _sick(replica: Replica, sickness: Sickness) -> str:
    says = " ".join(replica.health_says.split())
    if sickness == Sickness.CRASHING:
        crashed = _("restarted %d times by the engine") % replica.restarts
        return f"{crashed}: {says}" if says else crashed
    return _("unhealthy: %s") % says if says else _("unhealthy")
