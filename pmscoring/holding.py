"""503 while the application is held or its database takes no connections, 507 while a disk is full.

The page has no script, style sheet or image of its own and asks nobody, so it can always be shown.
"""

import errno
import logging
import sys
from collections.abc import Callable, Iterator

import psycopg
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from pmscoring.base import hold
from pmscoring.base.api.problems import MEDIA_TYPE, problem
from pmscoring.error_pages import API, POLICY, failure

log = logging.getLogger(__name__)
RETRY_SECONDS, FULL_SECONDS = 10, 60
PASSED = ("/health", "/metrics")
"""Machines go on asking these, and are to be told how it is."""
DETAIL = "the service is being restored or its database is away; try again shortly"
# A swap ends the connections that are open (57P01), and PostgreSQL may be stopping or starting
# (57P02, 57P03). Without a state no connection was made, or the pool gave up waiting for one.
AWAY_STATES = {None, "55000", "57P01", "57P02", "57P03"}
# A disk that is full (53100); and one that soon will be, on which sessions may read alone (25006).
FULL_STATES = {"53100", "25006"}
FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}


class HoldMiddleware:
    """Lets no request through while the application is held."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """503, or the response of the rest."""
        if not request.path_info.startswith(PASSED) and hold.is_held():
            return try_later(request)
        return self.get_response(request)


def failed(request: HttpRequest) -> HttpResponse:
    """Django's handler500: 503 where the database is away, 507 for a full disk, else a crash."""
    error = sys.exception()
    if _is_full(error):
        log.error("the disk is full: %s", type(error).__name__)
        return _expected(failure(request, 507, headers={"Retry-After": str(FULL_SECONDS)}))
    return try_later(request) if _is_away(error) else failure(request, 500)


def try_later(request: HttpRequest) -> HttpResponse:
    """503 with Retry-After: problem+json below /api/, elsewhere a page in both languages."""
    headers = {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"}
    if request.path_info.startswith(API):
        body = problem(503, DETAIL)
        response: HttpResponse = JsonResponse(
            body, status=503, headers=headers, content_type=MEDIA_TYPE
        )
        return _expected(response)
    # What was being sent is lost with the request: only a page that was read is read again.
    seconds = RETRY_SECONDS if request.method in ("GET", "HEAD") else None
    page = render_to_string("pmscoring/held.html", {"seconds": seconds})
    headers["Content-Security-Policy"] = POLICY
    return _expected(HttpResponse(page, status=503, headers=headers))


def _expected(response: HttpResponse) -> HttpResponse:
    """Not an error for Django's log, as any other 503 is; the line of the request stays."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _is_away(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, says that the database takes no connections."""
    return isinstance(error, OperationalError) and any(map(_says_away, _causes(error)))


def _is_full(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, says that a disk has no room."""
    return any(map(_says_full, _causes(error)))


def _says_full(error: BaseException) -> bool:
    if isinstance(error, psycopg.Error):
        return error.sqlstate in FULL_STATES
    return isinstance(error, OSError) and error.errno in FULL_ERRNOS


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _says_away(error: BaseException) -> bool:
    return isinstance(error, psycopg.OperationalError) and error.sqlstate in AWAY_STATES
