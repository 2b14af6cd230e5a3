"""The id of the request in whose name the current code runs, in every process of the product."""

import re
import uuid
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")


def new_request_id(wanted: str = "") -> str:
    """The caller's own id where it is harmless to write into a log, else a new one."""
    return wanted if HARMLESS.fullmatch(wanted) else uuid.uuid4().hex
