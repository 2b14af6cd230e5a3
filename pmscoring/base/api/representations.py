"""What the rows of both apps have in common as the API returns them."""

from datetime import datetime
from typing import Annotated, TypedDict

Moment = Annotated[str, {"format": "date-time"}]
MaybeMoment = Annotated[str | None, {"format": "date-time"}]
"""Null for what has not happened."""


class Page(TypedDict):
    """Addresses of the next and the previous page; null where there is none."""

    next: str | None
    previous: str | None


class Links(TypedDict):
    """Addresses of the resource."""

    self: str


def moment(at: datetime) -> str:
    """The time in the format of RFC 3339."""
    return at.isoformat()
