"""Bodies that are too large are refused before they are read, and forms that break off."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from pmscoring.base.body_limits import STRANGERS_BYTES, most_bytes
from pmscoring.error_pages import API, WORDS, failure


class BodyMiddleware:
    """Comes before the check against forged requests, which reads the whole form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response of the rest."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """413, 411 or 408, or None where the view may read the body."""
        if request.path_info.startswith(API):
            return None
        if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
            return failure(request, 411, WORDS[400])
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        # Small forms do not ask who sends them.
        if length > STRANGERS_BYTES:
            most = most_bytes(view, is_stranger=not request.user.is_authenticated)
            if most is not None and length > most:
                return failure(request, 413)
        return None if getattr(view, "csrf_exempt", False) else _read_form(request)


def _read_form(request: HttpRequest) -> HttpResponse | None:
    """408 for a form that broke off: Django's check would call it a forged one."""
    try:
        request.POST  # noqa: B018 - reads it
    except UnreadablePostError:
        return failure(request, 408)
    return None
