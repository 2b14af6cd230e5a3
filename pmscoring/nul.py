"""U+0000 in an address: no name contains it, and PostgreSQL cannot even be asked for it."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse

from pmscoring.base.api.problems import MEDIA_TYPE, problem
from pmscoring.base.faults import fault

API = "/api/"
REFUSED = "U+0000 is refused"


class NulMiddleware:
    """Refuses requests with U+0000 in the path or the query, before a view can ask with it.

    A cookie that contains one is none of ours, and is taken out of the request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """400 or, for a parameter of the API, 422 with its name; else the response of the rest."""
        if "\0" in request.path_info:
            raise BadRequest(REFUSED)
        names = [
            name for name, values in request.GET.lists() if any("\0" in s for s in (name, *values))
        ]
        if names and not request.path_info.startswith(API):
            raise BadRequest(REFUSED)
        if names:
            faults = [fault(f"/{name}", REFUSED) for name in names]
            body = problem(422, f"{len(faults)} fault(s)", faults)
            return JsonResponse(body, status=422, content_type=MEDIA_TYPE)
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)
