"""The flags of a mark as pages explain them."""

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scoring.models.flags import NAMES, name

__all__ = ["NAMES", "doubt_name", "explained", "name"]
DOUBTS: dict[str, Promise] = {
    "negation": _("says the contrary?"),
    "number": _("another number?"),
    "cause": _("cause and effect swapped?"),
}
"""The reasons for the flag `reversed`."""


def explained(codes: Iterable[str]) -> list[dict[str, str]]:
    """`{code, name, meaning}` of each flag."""
    return [
        {"code": code, "name": name(code), "meaning": str(NAMES[code][1]) if code in NAMES else ""}
        for code in codes
    ]


def doubt_name(reason: str) -> str:
    """What is asked about a passage, or the reason itself where it is not known."""
    return str(DOUBTS.get(reason, reason))
