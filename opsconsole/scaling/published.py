"""What scoring publishes of its work, as readings."""

from django.utils.translation import gettext as _

from opsconsole.scaling.looks import Look
from opsconsole.scaling.readings import missing, reading_of
from opsconsole.scaling.shapes import Kind, Reading, Sample

RATE, ARRIVALS = "rate", "arrivals"
"""Answers a second that were scored and that came: no policy asks for them, but a replay does."""
FIELDS = {str(Kind.WAITING): "waiting", str(Kind.OLDEST): "oldest_seconds", RATE: "rate"}
"""Where each reading is in the published load."""


def readings(seen: Look, before: Sample | None) -> dict[str, Reading]:
    """The queue, the age of its oldest answer, and how fast it is served and grows."""
    told = {key: _reading(seen, name) for key, name in FIELDS.items()}
    return {**told, ARRIVALS: _arrivals(told, seen, before)}


def _reading(seen: Look, name: str) -> Reading:
    if not seen.environment.is_here:
        return missing(_("the queue of another environment can be read by its own console alone"))
    if name not in seen.load:
        return missing(_("scoring has not published its load of late"))
    return reading_of(seen.load[name])


def _arrivals(told: dict[str, Reading], seen: Look, before: Sample | None) -> Reading:
    """What was scored, and by how much the queue has grown since the sample before."""
    waiting, rate = told[Kind.WAITING].value, told[RATE].value
    earlier = before.readings.get(Kind.WAITING) if before else None
    if waiting is None or rate is None or before is None or not earlier or earlier.value is None:
        return missing(_("the queue is not known, or was not a moment ago"))
    seconds = (seen.at - before.at).total_seconds()
    return Reading(round(max(rate + (waiting - earlier.value) / seconds, 0.0), 3))
