"""What scoring publishes of its work, as readings."""

from collections.abc import Sequence

from opsconsole.scaling.looks import Look, rate
from opsconsole.scaling.readings import missing, reading_of
from opsconsole.scaling.shapes import Kind, Reading, Sample
from opsconsole.scaling.troubles import Trouble

RATE, ARRIVALS = "rate", "arrivals"
"""Answers a second that were scored and that came: no policy asks for them, but a replay does."""
ARRIVED = "answers"
"""The key of the running total of answers that have come."""
Totals = dict[str, Sequence[float]]
FIELDS = {str(Kind.WAITING): "waiting", str(Kind.OLDEST): "oldest_seconds", RATE: "rate"}
"""Where each reading is in the published load."""


def readings(seen: Look, before: Sample | None) -> tuple[dict[str, Reading], Totals]:
    """The queue, the age of its oldest answer, and how fast it is served and grows.

    With the running total for the next sample.
    """
    told = {key: _reading(seen, name) for key, name in FIELDS.items()}
    arrived = _reading(seen, "arrived")
    if arrived.value is None:
        return {**told, ARRIVALS: arrived}, {}
    counted = seen.counted(arrived.value)
    return {**told, ARRIVALS: _arrivals(counted, before)}, {ARRIVED: counted}


def _reading(seen: Look, name: str) -> Reading:
    if not seen.environment.is_here:
        return missing(Trouble.OTHER_QUEUE)
    if name not in seen.load:
        return missing(Trouble.NO_LOAD)
    return reading_of(seen.load[name])


def _arrivals(counted: Sequence[float], before: Sample | None) -> Reading:
    """A second, since the sample before.

    Not from the rate and the growth of the queue: the rate is that of a minute, and so tells of
    answers that still come long after the last one was scored.
    """
    then = before.totals.get(ARRIVED) if before else None
    if then is None:
        return missing(Trouble.FIRST_ANSWERS)
    if counted[0] < then[0]:
        return missing(Trouble.OTHER_DATABASE)
    return Reading(rate(counted, then))
