"""/health/live: the process answers. No other middleware is asked, nor is the Host header."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

PATH = "/health/live"


def live(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "healthy"}, headers={"Cache-Control": "no-store"})


class LiveMiddleware:
    """Answers before sessions, users and hosts are looked at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Our own answer, or that of the rest."""
        return live(request) if request.path_info == PATH else self.get_response(request)
