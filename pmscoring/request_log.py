"""The request id of each call of the web server, and its line in the log."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pmscoring.base.request_id import new_request_id, request_id

log = logging.getLogger("web")
# Asked for every few seconds by machines.
QUIET = {"/health", "/health/live", "/health/ready", "/metrics"}


class RequestIdMiddleware:
    """Takes or makes the X-Request-ID of each request, sends it back and logs the request.

    The line has the path without its query, which may carry what somebody searched for.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, under the request's id."""
        request_id.set(new_request_id(request.headers.get("X-Request-ID", "")))
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id.get()
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "seconds": round(time.perf_counter() - started, 4),
        }
        log.log(logging.DEBUG if request.path in QUIET else logging.INFO, "request", extra=fields)
        return response
