"""Numbers that others tell, as readings: what is no finite number is missing. Pure."""

import math

from opsconsole.gateways import coded
from opsconsole.scaling.shapes import Reading
from opsconsole.scaling.troubles import Trouble
from pmscoring.base.redaction import redacted

MOST_TROUBLE = 300
"""Characters that are kept of a trouble."""


def reading_of(value: object) -> Reading:
    """A number as it was told; NaN, infinity and anything else have not been measured."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return missing(Trouble.NO_NUMBER)
    if not math.isfinite(value):
        return missing(Trouble.NUMBER_IS, value)
    return Reading(float(value))


def missing(trouble: str, about: object = "") -> Reading:
    """Without a value, and why: a code with what it is about, or what an engine said; without
    secrets.
    """
    return Reading(trouble=redacted(coded.recorded(trouble, str(about)))[:MOST_TROUBLE])
