"""The base of all views of the API: roles, limits of bodies, pages, query parameters."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pmscoring.base.api import parameters
from pmscoring.base.api.permissions import HasRole
from pmscoring.base.api.problems import LengthRequired, TooLarge
from pmscoring.base.api.schema import query
from pmscoring.base.body_limits import DOCUMENT_BYTES
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import MANAGER, SEES_CANDIDATES

MOST_PAGE = 1000
Row = TypeVar("Row", bound=Model)
PAGE_PARAMETERS = (
    query("cursor", {"type": "string"}, "From `next` or `previous` of another page."),
    query("page_size", {"type": "integer", "minimum": 1, "maximum": MOST_PAGE, "default": 100}),
)


class IgnoresAccept(DefaultContentNegotiation):
    """Answers in the view's media type whatever Accept asks for, as RFC 9110, 12.1 permits."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class View(APIView):
    """A view that the roles `readers` may read and `writers` may write."""

    content_negotiation_class = IgnoresAccept
    permission_classes = [HasRole]
    readers: tuple[str, ...] = SEES_CANDIDATES
    writers: tuple[str, ...] = (MANAGER,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse callers without a role, faulty parameters and too large bodies, unread."""
        super().initial(request, *args, **kwargs)
        handler = getattr(self, (request.method or "").lower(), None)
        if faults := list(parameters.faults(request, getattr(handler, "parameters", {}))):
            raise Invalid(faults)
        most = self.max_body()
        if most is None:
            return
        if is_chunked(request):
            raise LengthRequired("send the body with a Content-Length")
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > most:
            raise TooLarge(f"{length} bytes; at most {most} are taken")

    def max_body(self) -> int | None:
        """How many bytes a body may have; None where the view reads it as a stream."""
        return DOCUMENT_BYTES

    def paged(
        self, request: Request, rows: "QuerySet[Row]", show: Callable[[Row], object]
    ) -> Response:
        """The page of these rows that the query asks for, each as `show` represents it."""
        pages = Pages()
        page = pages.paginate_queryset(rows, request, self) or []
        return pages.get_paginated_response([show(row) for row in page])


def is_chunked(request: Request) -> bool:
    """Whether the body comes without a length, which Django would read as an empty body."""
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


class Pages(CursorPagination):
    """Pages by cursor, the newest rows first."""

    ordering = "-pk"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MOST_PAGE


def as_object(data: Any) -> dict[str, Any]:
    """The body as a JSON object; raises Invalid where it is another value."""
    if not isinstance(data, dict):
        raise Invalid([fault("", _("a JSON object is expected"))])
    return data


def parameter(request: Request, name: str) -> str:
    """A query parameter, "" where it is missing."""
    value: str = request.query_params.get(name, "")
    return value
