"""What every view of the console has in common."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from pmscoring.base.api import views
from pmscoring.base.api.views import parameter
from pmscoring.base.faults import Fault, Invalid, fault
from pmscoring.base.roles import OPERATOR, VIEWER

TAG = "operations"


class View(views.View):
    """Operators act, viewers see."""

    readers: tuple[str, ...] = (OPERATOR, VIEWER)
    writers: tuple[str, ...] = (OPERATOR,)

    @property
    def throttle_scope(self) -> str | None:
        """Deeds are limited by themselves: each is work for a worker. Reading counts as usual."""
        return None if self.request.method in SAFE_METHODS else "ops"


def accepted(row: Mapping[str, Any]) -> Response:
    """The answer to a deed that a worker does: its row, and where it is followed."""
    return Response(row, 202, headers={"Location": row["links"]["self"]})


def invalid(error: ValidationError) -> Invalid:
    """A model's refusal: each message at the member that it is about, or at the whole body."""
    return Invalid(list(_faults(error)))


def _faults(error: ValidationError) -> Iterator[Fault]:
    if not hasattr(error, "error_dict"):
        yield from (fault("", message) for message in error.messages)
        return
    for name, messages in error.message_dict.items():
        pointer = "" if name == NON_FIELD_ERRORS else f"/{name}"
        yield from (fault(pointer, message) for message in messages)


def chosen(request: Request, name: str, values: Sequence[str]) -> str:
    """A query parameter that is one of these values, "" where it is missing; raises Invalid."""
    value = parameter(request, name)
    if value and value not in values:
        raise Invalid([fault(f"/{name}", f"one of {', '.join(values)} is expected")])
    return value


def time_of(request: Request, name: str) -> datetime | None:
    """A query parameter that is a time, None where it is missing; raises Invalid."""
    value = parameter(request, name)
    if not value:
        return None
    try:
        at = parse_datetime(value)
    except ValueError:
        at = None
    if at is None:
        raise Invalid([fault(f"/{name}", "a time such as 2026-11-29T02:00:00Z is expected")])
    return at if timezone.is_aware(at) else timezone.make_aware(at)
