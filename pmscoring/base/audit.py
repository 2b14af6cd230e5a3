"""The audit log: who read or did what. Ids only, never an answer's text or a candidate."""

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

audit = logging.getLogger("audit")


def record(deed: str, user: "User | AnonymousUser", **objects: Any) -> None:
    """A line with the deed, the key of the user, and the keys of what it was done to."""
    audit.info(deed, extra={"user": user.pk, **objects})
