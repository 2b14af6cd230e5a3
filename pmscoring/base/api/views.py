"""What the calls share: roles, limits, pages, bodies."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

from pmscoring.base.api.permissions import HasRole
from pmscoring.base.api.problems import LengthRequired, TooLarge
from pmscoring.base.api.schema import query
from pmscoring.base.faults import Invalid, fault
from pmscoring.base.roles import MANAGER, SEES_CANDIDATES

MOST_BODY_BYTES = 32 * 1024 * 1024
MOST_PAGE = 1000
PAGE_PARAMETERS = (
    query("cursor", {"type": "string"}, "From `next` or `previous` of another page."),
    query("page_size", {"type": "integer", "minimum": 1, "maximum": MOST_PAGE, "default": 100}),
)


class OneKind(DefaultContentNegotiation):
    """Each address tells one kind of thing, whatever is asked for in Accept (RFC 9110, 12.1)."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """The first."""
        return renderers[0], renderers[0].media_type


class View(APIView):
    """A call with roles: who may read, who may write."""

    content_negotiation_class = OneKind
    permission_classes = [HasRole]
    readers: tuple[str, ...] = SEES_CANDIDATES
    writers: tuple[str, ...] = (MANAGER,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who may not call is told so before a body is read, and so is who sends too much."""
        super().initial(request, *args, **kwargs)
        most = self.most_body()
        if most is None:
            return
        if is_chunked(request):
            raise LengthRequired("send the body with a Content-Length")
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > most:
            raise TooLarge(f"{length} bytes; at most {most} are taken")

    def most_body(self) -> int | None:
        """Bytes that a body may have; None where it is read as it comes."""
        return MOST_BODY_BYTES


def is_chunked(request: Request) -> bool:
    """Whether the body comes without its length; Django would take it for empty."""
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


class Pages(CursorPagination):
    """Newest first, by cursor."""

    ordering = "-pk"
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MOST_PAGE


def as_object(data: Any) -> dict[str, Any]:
    """The body where it is a JSON object; else Invalid."""
    if not isinstance(data, dict):
        raise Invalid([fault("", "a JSON object is expected")])
    return data


def asked(request: Request, name: str) -> str:
    """A query parameter, empty where it is missing; Invalid for U+0000."""
    value: str = request.query_params.get(name, "")
    if "\0" in value:
        raise Invalid([fault(f"/{name}", "U+0000 is refused")])
    return value
