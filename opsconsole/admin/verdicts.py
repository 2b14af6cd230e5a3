"""The verdict of a soak in words and numbers."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


def of(verdict: Mapping[str, Any]) -> dict[str, Any] | None:
    """The context of the verdict's section; None while there is none."""
    if not verdict:
        return None
    return {
        "good": verdict.get("good"),
        "says": str(verdict.get("says") or ""),
        "rows": [(_name(key), value) for key, value in verdict.items() if _is_shown(key, value)],
    }


def _is_shown(key: str, value: Any) -> bool:
    return key not in ("good", "says") and not isinstance(value, dict | list)


def _name(key: str) -> str:
    names = {"requests": _("requests to the new replicas"), "error_rate": _("error rate")}
    return names.get(key, key.replace("_", " "))
