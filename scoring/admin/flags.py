"""The flags of a mark as pages explain them."""

from collections.abc import Iterable

from scoring.models.flags import NAMES, name

__all__ = ["NAMES", "explained", "name"]


def explained(codes: Iterable[str]) -> list[dict[str, str]]:
    """`{code, name, meaning}` of each flag."""
    return [
        {"code": code, "name": name(code), "meaning": str(NAMES[code][1]) if code in NAMES else ""}
        for code in codes
    ]
