"""Numbers that others tell, as readings: what is no finite number is missing. Pure."""

import math

from django.utils.translation import gettext as _

from opsconsole.scaling.shapes import Reading
from pmscoring.base.redaction import redacted

MOST_TROUBLE = 300
"""Characters that are kept of a trouble."""


def reading_of(value: object) -> Reading:
    """A number as it was told; NaN, infinity and anything else have not been measured."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return missing(_("there is no number"))
    if not math.isfinite(value):
        return missing(_("the number is %s") % value)
    return Reading(float(value))


def missing(trouble: object) -> Reading:
    """Without a value, and why; without secrets."""
    return Reading(trouble=redacted(str(trouble))[:MOST_TROUBLE])
