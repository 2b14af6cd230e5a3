"""What came of a heal, in its colour."""

from django.utils.safestring import SafeString

from opsconsole.models import Heal
from pmscoring.base.admin.labels import labels

OUTCOME = {
    Heal.Outcome.OPEN: "info",
    Heal.Outcome.RECOVERED: "success",
    Heal.Outcome.FAILED: "danger",
    Heal.Outcome.GIVEN_UP: "danger",
    Heal.Outcome.GONE: "default",
}


def label(heal: Heal) -> SafeString:
    """Whether the replica is well again; `given up` while a person has not seen to it."""
    if heal.ended_at is None and heal.did == Heal.Did.GAVE_UP:
        return labels([("danger", heal.get_did_display())])
    return labels(
        [(OUTCOME.get(Heal.Outcome(heal.outcome), "default"), heal.get_outcome_display())]
    )
