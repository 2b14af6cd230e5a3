"""The id of the request in whose name the current code runs, in every process of the product."""

import re
import uuid
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def new_request_id(given: str = "") -> str:
    """The id that the caller gave, where it is harmless, else a new one."""
    return given if GIVEN.fullmatch(given) else uuid.uuid4().hex
